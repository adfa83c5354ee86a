// The app: one Socket.IO socket, one session, and what the person does with them.
import { App } from "@capacitor/app";
import { Capacitor } from "@capacitor/core";
import { Preferences } from "@capacitor/preferences";
import { io } from "socket.io-client";
import { tokenSession } from "socket.io-token-session/client";
import { capacitorPreferences } from "socket.io-token-session/client/capacitor-preferences";
import type { Reply, State } from "../handlers.js";
import { afterEnd, afterError, afterReply } from "./sentences.js";
import { byId, say, setText, showBanner, showConnection, showState } from "./view.js";

const SERVER_URL: string = import.meta.env["VITE_SERVER_URL"] ?? "http://localhost:3000";
const ANSWER_TIMEOUT_MS = 10_000;

const platform = Capacitor.getPlatform();
const socket = io(SERVER_URL);
const session = tokenSession(socket, {
  storage: capacitorPreferences(Preferences),
  client: {
    device: { android: "Android", ios: "iPhone or iPad" }[platform] ?? "Browser",
    app: "Pocket Taps",
  },
});

void App.addListener("resume", session.resume);

/** The session that was shown last. */
let shown = "";
let isLost = false;

session.on("start", ({ created }) => {
  say(
    created
      ? "The server began a new session, and its token is stored on this device."
      : "The token stored on this device opened its session.",
  );
});
session.on("end", ({ reason }) => say(afterEnd(reason)));
session.on("error", (error) => {
  showConnection("waiting");
  showBanner(afterError(error));
});

// The session is usable: at each connection, and after each new token.
socket.on("gotToken", ({ token }: { token: string }) => {
  if (token) void send("state");
});
// Another page of this device has changed something.
socket.on("state", (state: State) => showState(state));
socket.on("disconnect", () => {
  isLost = true;
  showConnection(socket.active ? "offline" : "ended");
  if (socket.active) say("The connection is gone; the session is not.");
});
App.addListener("resume", () =>
  say("The app has come to the front, and makes sure that its connection is alive."),
);

byId("tap").addEventListener("click", () => send("tap"));
byId("note-form").addEventListener("submit", (event) => {
  event.preventDefault();
  void send("note", byId<HTMLInputElement>("note").value);
});
byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  void send("login", byId<HTMLInputElement>("name").value);
});
byId("logout").addEventListener("click", () => send("logout"));
byId("drop").addEventListener("click", () => socket.io.engine.close());
byId("forget").addEventListener("click", () => session.forget());

setText("server", SERVER_URL);
setText("storage", platform === "web" ? "Preferences (localStorage)" : "Preferences");

/** Sends one of the app's events, and shows what came of it. */
async function send(event: string, content?: string): Promise<void> {
  let reply: Reply;
  try {
    reply = await socket.timeout(ANSWER_TIMEOUT_MS).emitWithAck(event, content);
  } catch {
    showBanner("The server did not answer.");
    return;
  }
  showBanner(reply.error ?? "");
  if (!reply.state) return;
  showConnection("connected");
  showState(reply.state);
  if (isLost && reply.state.id === shown) say("Connected again, with the same session.");
  isLost = false;
  shown = reply.state.id;
  const sentence = afterReply(event, reply.state);
  if (sentence) say(sentence);
}
