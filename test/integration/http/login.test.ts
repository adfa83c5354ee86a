import { expect, test } from "@jest/globals";
import express, { type Request, type Response } from "express";
import type { RequestSession } from "../../../src/index.js";
import { HandClock } from "../../support/clock.js";
import { serve } from "../../support/http/cookie-client.js";
import { addApp } from "../../support/http/http-apps.js";
import { gate, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// A login over HTTP replaces the token at once; its answer, with the new one, may be slower than what the
// sockets are told.

const nodes = useNodes();

test("a socket that presents the old token meanwhile keeps its session, and is asked again", async () => {
  const node = await nodes.node();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await addApp("Express", node, async (session) => {
    await session.login("ada");
    await answered;
    return {};
  });
  const { client, token } = await node.connect();
  const started: unknown[] = [];
  node.sessions.on("sessionStart", (event) => started.push(event));
  const heard: unknown[] = [];
  client.on("gotToken", (message) => heard.push(message));
  const invalid: unknown[] = [];
  node.sessions.on("sessionInvalid", (event) => invalid.push(event));

  const asked = next(client, "tokenChanged");
  const response = fetch(node.url, { headers: { authorization: `Bearer ${token}` } });
  await asked;
  const again = next(client, "tokenChanged");
  client.emit("getToken", { token, confirm: true });
  await again;
  expect(heard).toEqual([]);
  expect(invalid).toEqual([]);
  expect(started).toEqual([]);

  answer();
  const fresh = (await response).headers.get("session-token");
  const message = gotToken(client);
  client.emit("getToken", { token: fresh });
  expect(await message).toMatchObject({ token: fresh, created: false });
});

test.each([
  ["the same server", false],
  ["another server", true],
])(
  "a client that connects to %s by the old token meanwhile is asked for the new one",
  async (_, elsewhere) => {
    const node = await nodes.node();
    const another = elsewhere ? await nodes.node() : node;
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await addApp("Express", node, async (session) => {
      await session.login("ada");
      await answered;
      return {};
    });
    const { client, token } = await node.connect();
    const started: unknown[] = [];
    another.sessions.on("sessionStart", (event) => started.push(event));
    another.sessions.on("sessionInvalid", (event) => started.push(event));
    const asked = next(client, "tokenChanged");
    const response = fetch(node.url, { headers: { authorization: `Bearer ${token}` } });
    await asked;
    const other = another.client({ auth: { token, confirm: true } });
    await next(other, "tokenChanged");
    answer();
    const fresh = (await response).headers.get("session-token");
    const message = gotToken(other);
    other.emit("getToken", { token: fresh });
    expect(await message).toMatchObject({ token: fresh, created: false });
    expect(started).toEqual([]);
  },
);

test("events of a client that connects by the old token meanwhile wait for the new one", async () => {
  const node = await nodes.node();
  const answer = gate();
  await addApp("Express", node, async (session) => {
    await session.login("ada");
    await answer.opened;
    return {};
  });
  node.io.on("connection", (socket) => {
    socket.on("who", (done: (userId: string) => void) => done(socket.session.userId));
  });
  const { client, token } = await node.connect();
  const asked = next(client, "tokenChanged");
  const response = fetch(node.url, { headers: { authorization: `Bearer ${token}` } });
  await asked;
  const other = node.client({ auth: { token, confirm: true } });
  // Asked for while it was offline, it comes right after the handshake.
  const who = other.emitWithAck("who");
  await next(other, "tokenChanged");
  answer.open();
  other.emit("getToken", { token: (await response).headers.get("session-token") });
  expect(await who).toBe("ada");
});

test("whoever never gets the new token gets a session of their own, and word of it", async () => {
  const clock = new HandClock();
  const node = await nodes.node({ options: { clock } });
  await addApp("Express", node, async (session) => {
    await session.login("ada");
    return {};
  });
  const { token, id } = await node.connect();
  await fetch(node.url, { headers: { authorization: `Bearer ${token}` } });
  const stranger = node.client({ auth: { token, confirm: true } });
  await next(stranger, "tokenChanged");
  clock.advance(9_000);
  const invalid = next(node.sessions, "sessionInvalid");
  const message = gotToken(stranger);
  stranger.emit("getToken", { token });
  expect(await message).toMatchObject({ errors: "Session Not Found", created: true });
  expect(await invalid).toEqual([{ reason: "retired", sessionId: id }]);
  // A client that does not know what it would be asked is not kept waiting at all.
  const old = node.client({ auth: { token } });
  expect(await gotToken(old)).toMatchObject({ errors: "Session Not Found", created: true });
});

test("a handler that does not wait for the login: said in the log, and the answer goes without the token", async () => {
  const node = await nodes.node();
  let done: Promise<void> | undefined;
  await addApp("Express", node, async (session) => {
    done = session.login("ada");
    return {};
  });
  const { token } = await node.connect();
  const response = await fetch(node.url, { headers: { authorization: `Bearer ${token}` } });
  expect(response.headers.get("session-token")).toBeNull();
  await done;
  expect(node.log.lines.map(({ text }) => text)).toContainEqual(expect.stringContaining("wait for login()"));
});

test("on another server it is the look at the old token that brings word: no new session either", async () => {
  const node = await nodes.node();
  const other = await nodes.node();
  await addApp("Express", node, async (session) => {
    await session.login("ada");
    return {};
  });
  const { client, token } = await other.connect();
  const heard: unknown[] = [];
  client.on("gotToken", (message) => heard.push(message));
  const response = await fetch(node.url, { headers: { authorization: `Bearer ${token}` } });
  const asked = next(client, "tokenChanged");
  client.emit("getToken", { token, confirm: true });
  await asked;
  await next(client, "tokenChanged");
  expect(heard).toEqual([]);
  const message = gotToken(client);
  client.emit("getToken", { token: response.headers.get("session-token") });
  expect(await message).toMatchObject({ created: false });
});

test("a request that another one's login has overtaken begins no session of its own", async () => {
  const node = await nodes.node();
  const begun = gate();
  const held = gate();
  await addApp("Express", node, async (session, path) => {
    if (path === "/login") return session.login("ada");
    begun.open();
    await held.opened;
    return session.start();
  });
  const { token } = await node.connect();
  const ask = (path: string) => fetch(node.url + path, { headers: { authorization: `Bearer ${token}` } });
  const slow = ask("/");
  await begun.opened;
  await ask("/login");
  held.open();
  const response = await slow;
  expect([response.status, response.headers.get("session-token")]).toEqual([500, null]);
  expect(await response.json()).toEqual({ thrown: expect.stringContaining("was changed") });
});

test("no session begins after the answer", async () => {
  const node = await nodes.node();
  let late: Promise<void> | undefined;
  const answered = gate();
  await addApp("Express", node, async (session) => {
    late = answered.opened.then(() => session.start());
    late.catch(() => {});
    return {};
  });
  await fetch(node.url);
  const count = () => nodes.database.rows("select count(*) as count from session");
  const before = await count();
  answered.open();
  await expect(late).rejects.toMatchObject({ code: "SESSION_NOT_CONFIRMED" });
  expect(await count()).toEqual(before);
});

test("an answer that is a redirect: said in the log, because no script sees its headers", async () => {
  const node = await nodes.node();
  const app = express();
  app.use(node.sessions.express());
  app.use(async (request: Request, response: Response) => {
    await (request as unknown as { session?: RequestSession }).session?.login("ada");
    response.redirect("/");
  });
  serve(node.io, app as never);
  const { token } = await node.connect();
  const response = await fetch(node.url, {
    headers: { authorization: `Bearer ${token}` },
    redirect: "manual",
  });
  expect(response.headers.has("session-token")).toBe(true);
  expect(node.log.lines.map(({ text }) => text)).toContainEqual(expect.stringContaining("redirect"));
});
