import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";
import { tokenSession } from "../../../client/index.js";
import type { RequestSession } from "../../../src/http/request-session.js";
import { device, TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { addApp } from "../../support/http/http-apps.js";
import { presentations } from "../../support/pages/client-page.js";
import { type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// The new token that an answer brings, where the device is slow to store it. The rest is in
// test/browser/client/fetch-token.test.ts.

const nodes = useNodes();

/** A server where any request logs in. */
async function serve(): Promise<Node> {
  const node = await nodes.node();
  node.io.of("/other").on("connection", (socket) => socket.on("ping", (done: () => void) => done()));
  const sessions = node.sessions.express();
  type SessionRequest = IncomingMessage & { session: RequestSession };
  node.io.httpServer.on("request", (request: SessionRequest, response: ServerResponse) => {
    if (request.url?.startsWith("/socket.io")) return;
    sessions(request, response, () => void request.session.login("ada").then(() => response.end("done")));
  });
  return node;
}

test("session.fetch gives its answer once the token is stored, and nothing is presented before", async () => {
  const node = await serve();
  const storage = new FaultyStorage("async");
  const socket = node.client();
  const session = tokenSession(socket, { storage, key: TOKEN_KEY });
  await session.ready;
  const other = socket.io.socket("/other", {});
  const { token } = session;
  const seen = presentations(node.io);
  const order: string[] = [];
  socket.on("tokenChanged", () => order.push("asked"));
  const held = storage.hold("write");
  const fetched = session.fetch(`${node.url}/login`).then(() => order.push("answered"));
  await held.reached;
  await until(async () => order.length > 0);
  // Who connects now has to wait as well. Twice there and back, so that what would have been sent would have
  // come.
  const back = next(other, "connect");
  socket.io.engine.close();
  await back;
  for (let round = 0; round < 2; round++) await other.emitWithAck("ping");
  expect(seen).toEqual([]);
  order.push("stored");
  held.release();
  await fetched;
  expect(order).toEqual(["asked", "stored", "answered"]);
  expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
  expect(session.token).not.toBe(token);
  await until(async () => session.state === "open");
  // By the new connection, and by `fetch`.
  expect(seen.map(({ token }) => token)).toEqual([session.token, session.token]);
  expect(serverSideOf(node.io, socket).session.userId).toBe("ada");
  other.disconnect();
});

test("a stream is sent as it comes, with the token", async () => {
  const node = await nodes.node();
  await addApp("Express", node, async (session) => session.id);
  const received: Promise<string>[] = [];
  node.io.httpServer.prependListener("request", (request) => {
    if (request.url === "/stream") received.push(text(request));
  });
  const socket = node.client();
  const session = tokenSession(socket, { storage: device() });
  await session.ready;
  const body = new Blob(["one, ", "two"]).stream();
  const init = { method: "POST", body, duplex: "half" };
  const answer = await session.fetch(`${node.url}/stream`, init);
  expect(await answer.json()).toBe(session.id);
  expect(await Promise.all(received)).toEqual(["one, two"]);
});

test("the event that follows a login finds the session logged in", async () => {
  const node = await nodes.node({
    handlers: (io) =>
      io.on("connection", (socket) => socket.on("who", (reply) => reply(socket.session.userId))),
  });
  await addApp("Express", node, async (session) => session.login("ada"));
  const socket = node.client();
  const session = tokenSession(socket, { storage: device() });
  await session.ready;
  for (const _ of ["first", "again"]) {
    await session.fetch(node.url);
    expect(await socket.emitWithAck("who")).toBe("ada");
  }
});
