import type { ServerResponse } from "node:http";
import { describe, expect, test } from "@jest/globals";
import type { RequestSessionOptions } from "../../../src/index.js";
import { type Act, addApp, frameworks } from "../../support/http/http-apps.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { liveIds, serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

const nodes = useNodes();

const act: Act = async (session, path) => {
  switch (path) {
    case "/ready":
      await session.ready;
      break;
    case "/set":
      await session.set("n", 1);
      break;
    case "/start":
      await session.start();
      break;
    case "/login":
      await session.start();
      await session.login("ada");
      break;
    case "/login-and-throw":
      await session.login("ada");
      throw new Error("after the login");
    case "/logout":
      await session.logout();
      break;
    case "/destroy":
      await session.destroy();
      break;
  }
  const { id, active, userId } = session;
  return { id, active, userId, n: session.get("n") };
};

describe.each(frameworks)("%s", (framework) => {
  async function server(options?: RequestSessionOptions) {
    const node = await nodes.node({ options: { storeTimeout: 1 } });
    await addApp(framework, node, act, options);
    return { node, ask: asking(node) };
  }

  function asking(node: Node) {
    return async (path: string, token?: string, init: RequestInit = {}) => {
      const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...init.headers };
      const response = await fetch(`${node.url}${path}`, { ...init, headers });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        token: response.headers.get("session-token"),
        body: text.startsWith("{") ? JSON.parse(text) : undefined,
      };
    };
  }

  async function socketAndToken(node: Node) {
    const socket = node.client({ auth: { token: "" } });
    const { token } = await gotToken(socket);
    return { socket, token, session: serverSideOf(node.io, socket).session };
  }

  test("a request and a socket have one session", async () => {
    const { node, ask } = await server();
    const { token, session } = await socketAndToken(node);
    await session.set("n", 7);
    const { status, body, headers } = await ask("/", token);
    expect([status, body]).toEqual([200, { id: session.id, active: true, userId: "", n: 7 }]);
    expect(headers.get("session-token")).toBeNull();
    await ask("/set", token);
    expect(session.get("n")).toBe(1);
  });

  test("without a token there is no session, and nothing to set", async () => {
    const { ask } = await server();
    expect((await ask("/")).body).toEqual({ active: false, userId: "", n: "" });
    expect((await ask("/set")).status).toBe(500);
  });

  test.each([
    ["malformed", "nonsense"],
    ["unknown", `${"0".repeat(32)}.${"A".repeat(43)}`],
  ])("a token that is %s opens nothing", async (_, token) => {
    const { node, ask } = await server();
    const invalid = next(node.sessions, "sessionInvalid");
    expect((await ask("/", token)).body).toMatchObject({ active: false });
    await invalid;
  });

  test("required: 401, with why, and nothing for OPTIONS", async () => {
    const { node, ask } = await server({ required: true });
    const none = await ask("/");
    expect(none).toMatchObject({ status: 401, body: { code: "SESSION_MISSING" } });
    expect(none.headers.get("www-authenticate")).toBe("Bearer");
    expect(none.headers.get("content-type")).toMatch(/^application\/json/);
    const unknown = await ask("/", "nonsense");
    expect(unknown).toMatchObject({
      status: 401,
      body: { code: "SESSION_MISSING", message: "Session Not Found" },
    });
    expect(unknown.headers.get("www-authenticate")).toContain('error="invalid_token"');
    expect((await ask("/", undefined, { method: "OPTIONS" })).status).toBe(200);
    const { token, session } = await socketAndToken(node);
    expect((await ask("/", token)).status).toBe(200);
    await nodes.database.pool.query("update session set expires = 1 where sessionId = ?", [session.id]);
    expect(await ask("/", token)).toMatchObject({ status: 401, body: { code: "SESSION_ENDED" } });
  });

  test("a session that begins by HTTP", async () => {
    const { node, ask } = await server();
    const { token, body, headers } = await ask("/start", undefined, {
      headers: { origin: "capacitor://localhost" },
    });
    expect(body).toMatchObject({ active: true });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("access-control-expose-headers")).toBe("Session-Token");
    const socket = node.client({ auth: { token } });
    expect(await gotToken(socket)).toMatchObject({ token, created: false });
    expect((await ask("/start", token ?? "")).token).toBeNull();
  });

  test("a login gives a new token in one step; the old one is over", async () => {
    const { node, ask } = await server();
    const { socket, token: before, session } = await socketAndToken(node);
    await session.set("n", 3);
    const { id } = session;
    const changed = next(socket, "tokenChanged");
    const { token, body } = await ask("/login", before);
    expect(body).toEqual({ id, active: true, userId: "ada", n: 3 });
    expect(token).not.toBe(before);
    await changed;
    expect(session.active).toBe(false);
    expect((await ask("/", before)).body).toMatchObject({ active: false });
    const message = gotToken(socket);
    socket.emit("getToken", { token });
    expect(await message).toMatchObject({ token, created: false });
    expect(serverSideOf(node.io, socket).session.userId).toBe("ada");
    const { token: last, body: out } = await ask("/logout", token ?? "");
    expect(out).toEqual({ id, active: true, userId: "", n: "" });
    expect((await ask("/", last ?? "")).body).toMatchObject({ id, active: true });
  });

  test("what is thrown after a login does not lose the token", async () => {
    const { node, ask } = await server();
    const { token: before } = await socketAndToken(node);
    const { status, token } = await ask("/login-and-throw", before);
    expect(status).toBe(500);
    expect((await ask("/", token ?? "").then(({ body }) => body))?.userId).toBe("ada");
  });

  test("destroyed by HTTP, over for its sockets", async () => {
    const { node, ask } = await server();
    const { socket, token } = await socketAndToken(node);
    const ended = next(socket, "sessionEnd");
    expect((await ask("/destroy", token)).body).toMatchObject({ active: false });
    expect(await ended).toEqual([{ reason: "destroyed" }]);
  });

  test("while the database is away: 503, and nobody is logged out", async () => {
    const { node, ask } = await server({ required: true });
    const { token } = await socketAndToken(node);
    await node.proxy.down();
    const { status, headers, body } = await ask("/", token);
    expect([status, body.code]).toEqual([503, "SESSION_STORE_UNAVAILABLE"]);
    expect(headers.get("retry-after")).toBe("5");
    await node.proxy.up();
    expect((await ask("/", token)).body).toMatchObject({ active: true });
  });

  test("lazy: nothing is read until it is asked for", async () => {
    const { node, ask } = await server({ lazy: true });
    const { token, session } = await socketAndToken(node);
    expect((await ask("/", token)).body).toMatchObject({ active: false });
    expect((await ask("/ready", token)).body).toMatchObject({ id: session.id, active: true });
    expect((await ask("/set", token)).body).toMatchObject({ n: 1 });
    expect((await ask("/ready")).body).toMatchObject({ active: false });
  });

  test("a request holds its session no longer than its answer takes", async () => {
    const { node, ask } = await server();
    const { socket, token } = await socketAndToken(node);
    const gone = next(serverSideOf(node.io, socket), "disconnect");
    socket.disconnect();
    await gone;
    const over = new Promise((resolve) => {
      node.io.httpServer.once("request", (_: unknown, response: ServerResponse) =>
        response.once("close", () => setImmediate(resolve)),
      );
    });
    expect((await ask("/", token)).body).toMatchObject({ active: true });
    await over;
    expect(liveIds(node.sessions)).toEqual([]);
  });
});
