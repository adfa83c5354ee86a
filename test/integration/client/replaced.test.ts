import { describe, expect, test } from "@jest/globals";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { type Device, device, TOKEN_KEY } from "../../support/clients/device.js";
import { addApp } from "../../support/http/http-apps.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// What a page had is over before it gets something else, whoever has ended it, and wherever the page was
// meanwhile.

const nodes = useNodes();
/** Longer than a test may take: the page is frozen, or offline, until its test says otherwise. */
const NEVER_MS = 600_000;

function opened(node: Node, storage: Device, options: ClientOptions = {}) {
  const socket = node.client({ reconnectionDelay: NEVER_MS, reconnectionDelayMax: NEVER_MS });
  // As each tab has one of its own, over the same items.
  const session = tokenSession(socket, { storage: device(storage.items), key: TOKEN_KEY, ...options });
  return { socket, session, heard: hear(session), side: () => serverSideOf(node.io, socket) };
}

type Tab = ReturnType<typeof opened>;

/** The names of what a tab has heard of, without its tokens. */
const told = ({ heard }: Tab) => heard.filter(([name]) => name !== "token");

/**
 * Two tabs of one device with a session, of which the first has lost its connection, and does not come back
 * by itself.
 */
async function awayFrom(node: Node, options: ClientOptions = {}) {
  const storage = device();
  const away = opened(node, storage, options);
  await away.session.ready;
  const other = opened(node, storage);
  await other.session.ready;
  const { id } = away.session;
  expect(other.session.id).toBe(id);
  const gone = [next(away.socket, "disconnect"), next(away.side(), "disconnect")];
  away.socket.io.engine.close();
  await Promise.all(gone);
  return { storage, away, other, id };
}

const ends: [string, (other: Tab) => Promise<unknown>][] = [
  ["destroys the session", ({ side }) => side().session.destroy()],
  ["forgets it", ({ session }) => session.forget()],
];

describe.each([{}, { restart: false }])("a tab that was away, with %j", (options) => {
  test.each(ends)("while another tab %s and gets the next one: end, then start", async (_, end) => {
    const { away, other, id } = await awayFrom(await nodes.node(), options);
    const started = nextOf(other.session, "start");
    await end(other);
    await started;
    const begun = nextOf(away.session, "start");
    away.session.resume();
    await begun;
    expect(away.session.id).toBe(other.session.id);
    expect(away.side().session.id).toBe(other.session.id);
    expect(away.heard.slice(1)).toEqual([
      ["start", { id, created: true }],
      ["end", { reason: "replaced" }],
      ["token", other.session.token],
      ["start", { id: other.session.id, created: false }],
    ]);
    // A kick is not taken for the end of what it had before.
    const gone = next(away.socket, "disconnect");
    away.side().disconnect();
    await gone;
    expect([away.socket.active, away.session.state]).toEqual([false, "ended"]);
  });

  test("while another tab logs in: the session goes on", async () => {
    const { away, other, id } = await awayFrom(await nodes.node(), options);
    await other.side().session.login("ada");
    const message = gotToken(away.socket);
    away.session.resume();
    await message;
    await until(async () => away.session.state === "open");
    expect(away.session.token).toBe(other.session.token);
    expect(told(away)).toEqual([["start", { id, created: true }]]);
  });
});

test("nothing of what was is recovered for what follows", async () => {
  const node = await nodes.node({ io: { connectionStateRecovery: {} } });
  const { away, other, id } = await awayFrom(node);
  const started = nextOf(other.session, "start");
  await other.session.forget();
  await started;
  const connected = next(node.io, "connection");
  away.session.resume();
  const [socket] = await connected;
  await nextOf(away.session, "start");
  expect(socket).toMatchObject({ recovered: false });
  expect(away.side().session.id).not.toBe(id);
});

test("an end that comes when the next session is on its way ends that one not", async () => {
  const node = await nodes.node();
  const storage = device();
  const tab = opened(node, storage);
  await tab.session.ready;
  const { id } = tab.session;
  const { token } = await node.connect();
  // Another tab has it already; here the page comes to the front just when the server ends the one before.
  storage.items.set(TOKEN_KEY, token);
  const emit = tab.socket.emit.bind(tab.socket);
  tab.socket.emit = ((event: string, ...given: unknown[]) => {
    if (event !== "getToken") return emit(event, ...given);
    void node.sessions.destroy(id).then(() => emit(event, ...given));
    return tab.socket;
  }) as typeof tab.socket.emit;
  const begun = nextOf(tab.session, "start");
  tab.session.resume();
  expect(await begun).toEqual({ id: token.slice(0, 32), created: false });
  expect(told(tab).map(([name]) => name)).toEqual(["start", "end", "start"]);
  expect(storage.items.get(TOKEN_KEY)).toBe(token);
});

test("a request that begins another session ends the one before", async () => {
  const node = await nodes.node();
  await addApp("Express", node, async (session) => {
    await session.logout();
    await session.destroy();
    await session.start();
    return session.id;
  });
  const tab = opened(node, device());
  await tab.session.ready;
  const { id } = tab.session;
  await tab.session.fetch(node.url);
  await until(async () => tab.session.state === "open" && tab.session.id !== id && tab.heard.length > 4);
  expect(told(tab).map(([name]) => name)).toEqual(["start", "end", "start"]);
});

test("a token that is presented by the application's own code begins no session without an end", async () => {
  const tab = opened(await nodes.node(), device());
  await tab.session.ready;
  const { id } = tab.session;
  const begun = nextOf(tab.session, "start");
  tab.socket.emit("getToken", { token: "" });
  await begun;
  expect(tab.session.id).not.toBe(id);
  expect(told(tab).slice(1)).toEqual([
    ["end", { reason: "replaced" }],
    ["start", { id: tab.session.id, created: true }],
  ]);
});
