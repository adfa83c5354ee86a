import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type ClientSession, tokenSession } from "../../../client/index.js";
import type { SessionHandle } from "../../../src/index.js";
import { device } from "../../support/clients/device.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

let database: TestDatabase;
let server: TestServer | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => server?.close());
afterAll(() => database.drop());

async function start(): Promise<TestServer> {
  server = await startServer({ databaseUrl: database.url });
  return server;
}

/** A tab of a device: our client, and what the server holds of it. */
async function tab(on: TestServer, storage = device()) {
  const client = on.client();
  const session: ClientSession = tokenSession(client, { storage });
  await session.ready;
  const socket = serverSideOf(on.io, client);
  return {
    client,
    session,
    socket,
    get handle(): SessionHandle {
      return socket.session;
    },
  };
}

async function outcome(change: Promise<unknown>): Promise<unknown> {
  return change.then(
    () => "done",
    (error: { code?: string }) => error.code ?? error,
  );
}

async function open(on: TestServer, token: string) {
  const client = on.client({ auth: { token } });
  return { client, message: await gotToken(client) };
}

describe("login", () => {
  test("gives the client a new token and sets userId; the values stay, the old token opens nothing", async () => {
    const on = await start();
    const { session, handle } = await tab(on);
    const before = session.token;
    await handle.set("cart", [1]);
    await handle.login("ada");
    expect(session.token).not.toBe(before);
    expect(session.id).toBe(before.slice(0, 32));
    expect(handle.userId).toBe("ada");
    expect(handle.get("cart")).toEqual([1]);
    const [row] = await database.rows("select * from session where sessionId = ?", [session.id]);
    expect(row).toMatchObject({ userId: "ada", data: '{"cart":[1]}', nextHash: null });
    expect(await open(on, session.token)).toMatchObject({ message: { token: session.token, errors: "" } });
    const invalid = new Promise((resolve) => on.sessions.once("sessionInvalid", resolve));
    expect(await open(on, before)).toMatchObject({ message: { errors: "Session Not Found" } });
    expect(await invalid).toEqual({ sessionId: session.id, reason: "retired" });
  });

  test("another tab of the same device goes on with the new token", async () => {
    const on = await start();
    const storage = device();
    const one = await tab(on, storage);
    const other = await tab(on, storage);
    const kept = other.handle;
    const again = gotToken(other.client);
    await one.handle.login(7);
    expect(await again).toMatchObject({ token: one.session.token, errors: "" });
    expect(other.handle.userId).toBe("7");
    expect(kept.active).toBe(true);
    await other.handle.set("n", 2);
    expect(one.handle.get("n")).toBe(2);
  });

  test("a socket that was opened with a planted token sees nothing of the login", async () => {
    const on = await start();
    const victim = await tab(on);
    await victim.handle.set("planted", true);
    const thief = await open(on, victim.session.token);
    const socket = serverSideOf(on.io, thief.client);
    const stolen = socket.session;
    expect(stolen.get("planted")).toBe(true);
    const asked = next(thief.client, "tokenChanged");
    await victim.handle.login("ada");
    await asked;
    for (const handle of [stolen, socket.session]) {
      expect([handle.active, handle.userId, handle.get("planted"), handle.id]).toEqual([
        false,
        "",
        "",
        undefined,
      ]);
    }
    expect(await outcome(stolen.set("planted", 2))).toBe("SESSION_TOKEN_CHANGED");
    expect(await outcome(stolen.destroy())).toBe("SESSION_TOKEN_CHANGED");
    expect(victim.handle.toJSON()).toEqual({ planted: true });
  });

  test("that the client does not confirm leaves everything as it was", async () => {
    const on = await start();
    const client = on.client({ auth: { token: "", confirm: true } });
    client.on("gotToken", (message: { created?: boolean }, confirm?: () => void) => {
      if (message.created) confirm?.();
      else client.io.engine.close();
    });
    const { token } = await gotToken(client);
    const { session } = serverSideOf(on.io, client);
    await session.set("n", 1);
    expect(await outcome(session.login("ada"))).toBe("SESSION_NOT_CONFIRMED");
    const [row] = await database.rows("select userId, data from session where sessionId = ?", [
      token.slice(0, 32),
    ]);
    expect(row).toEqual({ userId: null, data: '{"n":1}' });
    expect((await open(on, token)).message).toMatchObject({ token, errors: "" });
  });

  test("a client that never confirms gets it in one step", async () => {
    const on = await start();
    const client = on.client();
    client.emit("getToken", { token: "" });
    const { token } = await gotToken(client);
    const { session } = serverSideOf(on.io, client);
    const sent = gotToken(client);
    await session.login("ada");
    const { token: now } = await sent;
    expect(now).not.toBe(token);
    expect(session.userId).toBe("ada");
    expect((await open(on, token)).message.errors).toBe("Session Not Found");
    expect((await open(on, now)).message.errors).toBe("");
  });

  test.each([[""], [" bob"], ["bob "], ["x".repeat(129)], ["\ud800"], [1.5], [null], [{}]])(
    "refuses %j as a user",
    async (userId) => {
      const on = await start();
      const { handle } = await tab(on);
      expect(await outcome(handle.login(userId as string))).toBe("SESSION_USER_INVALID");
      expect(handle.userId).toBe("");
    },
  );
});

test("logout takes userId and values, and gives a new token; regenerate only that", async () => {
  const on = await start();
  const { handle, session } = await tab(on);
  await handle.login("ada");
  await handle.set("n", 1);
  const tokens = [session.token];
  await handle.regenerate();
  tokens.push(session.token);
  expect([handle.userId, handle.get("n")]).toEqual(["ada", 1]);
  await handle.logout();
  tokens.push(session.token);
  expect([handle.userId, handle.toJSON(), handle.active]).toEqual(["", {}, true]);
  expect(new Set(tokens).size).toBe(3);
  expect((await open(on, tokens[2] ?? "")).message.errors).toBe("");
});

describe("a logout that comes while a login waits", () => {
  test("for our client to confirm: nobody is logged in, and the client has a token that opens", async () => {
    const on = await start();
    const storage = device();
    const [one, other] = [await tab(on, storage), await tab(on, storage)];
    await one.handle.set("n", 1);
    const sent = gotToken(one.client);
    const login = outcome(one.handle.login("ada"));
    await sent;
    const logouts = [one.handle.logout(), other.handle.logout()];
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
    await Promise.all(logouts);
    expect([one.handle.userId, one.handle.toJSON()]).toEqual(["", {}]);
    const [row] = await database.rows("select userId from session where sessionId = ?", [one.session.id]);
    expect(row).toEqual({ userId: null });
    expect((await open(on, one.session.token)).message).toMatchObject({
      token: one.session.token,
      errors: "",
    });
    await one.handle.login("carol");
    expect(one.handle.userId).toBe("carol");
  });

  test("for the database, of a client that never confirms", async () => {
    const on = await start();
    const { client } = await open(on, "");
    const { session } = serverSideOf(on.io, client);
    const login = outcome(session.login("ada"));
    const logout = outcome(session.logout());
    const next = outcome(session.login("carol"));
    expect([await login, await logout, await next]).toEqual(["SESSION_NOT_CONFIRMED", "done", "done"]);
    expect(session.userId).toBe("carol");
  });
});

test("an answer that overtakes the new token does not bring the old one back", async () => {
  const on = await start();
  for (let round = 0; round < 10; round++) {
    const { client, handle, session } = await tab(on);
    const before = session.token;
    const login = handle.login("ada");
    client.emit("getToken", { token: before });
    await login;
    await handle.reload();
    expect(session.token).not.toBe(before);
    expect((await open(on, session.token)).message).toMatchObject({ token: session.token, errors: "" });
  }
});

test("nor for a client that never confirms: what it asked meanwhile is answered with the new one", async () => {
  const on = await start();
  const alarms: unknown[] = [];
  on.sessions.on("sessionInvalid", (event) => alarms.push(event));
  const client = on.client();
  client.emit("getToken", { token: "" });
  const { token } = await gotToken(client);
  const { session } = serverSideOf(on.io, client);
  const heard: string[] = [];
  client.on("gotToken", (message: { token: string }) => heard.push(message.token));
  const login = session.login("ada");
  const answer = ask<{ token: string }>(client, "getToken", { token });
  await login;
  const last = await answer;
  expect((await open(on, last.token)).message).toMatchObject({ token: last.token, errors: "" });
  expect(heard.at(-1)).toBe(last.token);
  const again = await ask<{ token: string }>(client, "getToken", { token });
  expect(again.token).toBe(last.token);
  expect(alarms).toEqual([]);
});

test("our client confirms too where it came upon a connected socket", async () => {
  const on = await start();
  const client = on.client();
  await next(client, "connect");
  const session = tokenSession(client, { storage: device() });
  await session.ready;
  const asked: string[] = [];
  client.on("gotToken", (...received: unknown[]) => asked.push(typeof received.at(-1)));
  await serverSideOf(on.io, client).session.login("ada");
  expect(asked).toEqual(["function"]);
});

describe("of a client that has gone", () => {
  test.each([
    ["our client", { auth: { token: "", confirm: true } }],
    ["one that never confirms", { auth: { token: "" } }],
  ])("%s: login changes nothing, logout takes effect", async (_, options) => {
    const on = await start();
    const client = on.client(options);
    client.on("gotToken", (_message: unknown, confirm?: () => void) => confirm?.());
    const { token } = await gotToken(client);
    const socket = serverSideOf(on.io, client);
    const { session } = socket;
    const received = gotToken(client);
    await session.login("ada");
    const now = (await received).token;
    expect(now).not.toBe(token);
    const gone = next(socket, "disconnect");
    client.disconnect();
    await gone;
    expect(await outcome(session.login("bob"))).toBe("SESSION_NOT_CONFIRMED");
    expect((await open(on, now)).message).toMatchObject({ token: now, errors: "" });
    expect(await outcome(session.logout())).toBe("done");
    const back = await open(on, now);
    expect(back.message).toMatchObject({ token: now, errors: "" });
    expect(serverSideOf(on.io, back.client).session.userId).toBe("");
  });
});

test("forUser lists a user's devices, destroyForUser ends them but one", async () => {
  const on = await start();
  const [phone, tablet, stranger] = [await tab(on), await tab(on), await tab(on)];
  await phone.handle.login("bob");
  await tablet.handle.login("bob");
  await stranger.handle.login("Bob");
  const ids = async () => (await on.sessions.forUser("bob")).map(({ sessionId }) => sessionId).sort();
  expect(await ids()).toEqual([phone.session.id, tablet.session.id].sort());
  expect((await on.sessions.forUser("bob")).every(({ live }) => live)).toBe(true);
  expect(await outcome(on.sessions.forUser("bob "))).toBe("SESSION_USER_INVALID");
  const end = next(tablet.client, "sessionEnd");
  expect(await on.sessions.destroyForUser("bob", { except: phone.session.id })).toBe(1);
  expect((await end)[0]).toEqual({ reason: "revoked" });
  expect(await ids()).toEqual([phone.session.id]);
  expect([phone.handle.active, stranger.handle.active]).toEqual([true, true]);
});
