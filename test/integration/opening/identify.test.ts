import { EventEmitter } from "node:events";
import { expect, test } from "@jest/globals";
import { io as connect } from "socket.io-client";
import { tokenSession } from "../../../client/index.js";
import type { TokenSessionOptions } from "../../../src/index.js";
import { device } from "../../support/clients/device.js";
import { HandClock, settled } from "../../support/clock.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Sockets whose session is identified by something else in the handshake than a token.

const nodes = useNodes();

const byHeader: NonNullable<TokenSessionOptions["identify"]> = ({ headers }) =>
  headers["x-credential"] as string | undefined;

/** A server that identifies by a header, and a token that serves as the credential in it. */
async function identifying(options: Partial<TokenSessionOptions> = {}) {
  const node = await nodes.node({ options: { identify: byHeader, ...options } });
  const { token, id, session } = await node.connect();
  return { node, id, session, extraHeaders: { "x-credential": token } };
}

async function connected(node: Node, options: object) {
  const client = node.client(options);
  await next(client, "connect");
  return { client, session: serverSideOf(node.io, client).session };
}

test("the session is there when the socket connects, and nothing is said of the credential", async () => {
  const { node, id, session, extraHeaders } = await identifying();
  await session.set("n", 1);
  const heard: unknown[] = [];
  const client = node.client({ extraHeaders, autoConnect: false });
  client.onAny((...event) => heard.push(event));
  node.io.once("connection", (socket) => socket.emit("n", socket.session.id, socket.session.get("n")));
  client.connect();
  expect(await next(client, "n")).toEqual([id, 1]);
  expect(heard).toEqual([["n", id, 1]]);
});

test("a client that asks for its token gets a stand-in", async () => {
  const { node, id, extraHeaders } = await identifying();
  const { client } = await connected(node, { extraHeaders });
  const message = gotToken(client);
  expect(await ask(client, "getToken", { token: "" })).toEqual({
    token: `${id}.cookie`,
    errors: "",
    expiresAt: expect.any(Number),
  });
  expect(await message).toMatchObject({ token: `${id}.cookie` });
});

test("our client keeps the stand-in, and comes back by it", async () => {
  const { node, id, extraHeaders } = await identifying();
  const storage = device();
  for (const _ of ["first", "again"]) {
    const socket = connect(node.url, { extraHeaders, forceNew: true });
    const session = tokenSession(socket, { storage });
    try {
      await session.ready;
      expect([session.id, session.token]).toEqual([id, `${id}.cookie`]);
    } finally {
      socket.disconnect();
    }
  }
  // Without the cookie the stand-in is worth nothing; a token of its own would come before the next cookie
  // for ever.
  const stranger = node.client({ auth: { token: `${id}.cookie` } });
  expect(await gotToken(stranger)).toEqual({ token: "", errors: "Session Not Found" });
});

test("its token cannot be changed over the socket; all else works", async () => {
  const { node, session, extraHeaders } = await identifying();
  const { session: identified } = await connected(node, { extraHeaders });
  await identified.set("n", 2);
  expect(session.get("n")).toBe(2);
  await expect(identified.login("ada")).rejects.toMatchObject({ code: "SESSION_NOT_CONFIRMED" });
  await expect(identified.regenerate()).rejects.toMatchObject({ code: "SESSION_NOT_CONFIRMED" });
  await identified.logout();
  expect(identified.get("n")).toBe("");
  expect(identified.active).toBe(true);
});

test.each([["too short"], [""], [undefined], ["x".repeat(40)]])(
  "%p identifies nothing",
  async (credential) => {
    const { node } = await identifying({ identify: async () => credential });
    const { client, session } = await connected(node, {});
    expect(session.active).toBe(false);
    const message = gotToken(client);
    client.emit("getToken", {});
    expect(await message).toMatchObject({ errors: "", created: true });
  },
);

test("a token of the client's own comes first", async () => {
  const { node, extraHeaders } = await identifying();
  const other = await node.connect();
  const client = node.client({ extraHeaders, auth: { token: other.token } });
  expect(await gotToken(client)).toMatchObject({ token: other.token, created: false });
});

test("when it cannot be found out, the socket waits, and nobody gets another session", async () => {
  let fails = true;
  const { node, id, extraHeaders } = await identifying({
    identify: (handshake) => {
      if (fails && handshake.headers["x-credential"]) throw new Error("no answer");
      return byHeader(handshake);
    },
  });
  const { client } = await connected(node, { extraHeaders });
  const socket = serverSideOf(node.io, client);
  socket.on("id", (reply: (id?: string) => void) => reply(socket.session.id));
  const answer = ask(client, "id");
  fails = false;
  expect(await answer).toBe(id);
});

test("one that never answers is given up, and tried again; the log says whose fault it is", async () => {
  const clock = new HandClock();
  const asked = new EventEmitter();
  const node = await nodes.node({
    options: {
      clock,
      identify: () => {
        asked.emit("asked");
        return new Promise<string>(() => {});
      },
    },
  });
  const first = next(asked, "asked");
  node.client();
  await first;
  const again = next(asked, "asked");
  const said = node.log.line(/sockets cannot be identified/);
  clock.advance(10_000);
  expect(await said).toMatchObject({ level: "error", code: "SESSION_IDENTIFY_FAILED" });
  await settled();
  clock.advance(5_000);
  await again;
  expect(node.log.lines.map(({ text }) => text).join()).not.toContain("sessions cannot be opened");
});

test("a session that ends takes the identified socket with it", async () => {
  const { node, id, extraHeaders } = await identifying();
  const { client } = await connected(node, { extraHeaders });
  const ended = next(client, "sessionEnd");
  await node.sessions.destroy(id);
  expect(await ended).toEqual([{ reason: "destroyed" }]);
});
