import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { tokenSession } from "../../../client/index.js";
import { device } from "../../support/clients/device.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { startProxy } from "../../support/database/proxy.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// The client script with the real socket.io-client; what only a browser has is tested in test/browser.

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeAll(async () => {
  server = await startServer({ databaseUrl: database.url });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const keyOf = ({ port }: TestServer) => `socket.io-token-session.http___127.0.0.1_${port}`;

describe("tokenSession(socket)", () => {
  test("keeps the token of the first visit, and comes back with it", async () => {
    const storage = device();
    const first = tokenSession(server.client(), { storage });
    expect(first.token).toBe("");
    expect(first.id).toBe("");
    await first.ready;
    expect(first.token).toMatch(/^[0-9a-f]{32}\.[\w-]{43}$/);
    expect(first.id).toBe(first.token.slice(0, 32));
    expect(storage.items).toEqual(new Map([[keyOf(server), first.token]]));

    const socket = server.client();
    const message = gotToken(socket);
    const again = tokenSession(socket, { storage });
    await again.ready;
    expect(await message).toMatchObject({ token: first.token, created: false, errors: "" });
  });

  test("presents the token that is stored now at each reconnect", async () => {
    const storage = device();
    const socket = server.client();
    const session = tokenSession(socket, { storage });
    await session.ready;
    const other = tokenSession(server.client(), { storage: device() });
    await other.ready;
    storage.setItem(keyOf(server), other.token);
    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token: other.token, created: false });
  });

  test.each([
    ["an object", { user: "bob" }],
    ["a function", (callback: (data: object) => void) => callback({ user: "bob" })],
  ])("leaves an auth that is %s in force", async (_, auth) => {
    const socket = server.client({ auth });
    await tokenSession(socket, { storage: device(), client: { device: "Pixel 9" } }).ready;
    const { handshake, session } = serverSideOf(server.io, socket);
    expect(handshake.auth).toEqual({ user: "bob", confirm: true, client: { device: "Pixel 9" } });
    expect(session.active).toBe(true);
  });

  test("asks at once on a socket that is connected already", async () => {
    const socket = server.client();
    await next(socket, "connect");
    const session = tokenSession(socket, { storage: device(), key: "token" });
    await session.ready;
    expect(serverSideOf(server.io, socket).session.id).toBe(session.id);
  });

  test("confirms a new token once it is stored, and only a new one", async () => {
    const storage = device();
    const confirmed: unknown[] = [];
    for (let visit = 0; visit < 2; visit++) {
      const socket = server.client();
      socket.on("gotToken", (...received: unknown[]) => confirmed.push(typeof received.at(-1)));
      await tokenSession(socket, { storage }).ready;
    }
    expect(confirmed).toEqual(["function", "object"]);
  });

  test("keeps its token through an outage", async () => {
    const storage = device();
    await tokenSession(server.client(), { storage }).ready;
    const kept = storage.getItem(keyOf(server));
    const proxy = await startProxy(database.url);
    const away = await startServer({
      databaseUrl: proxy.through(database.url),
      options: { storeTimeout: 1 },
    });
    await proxy.down();
    const socket = away.client();
    const session = tokenSession(socket, { storage, key: keyOf(server) });
    expect(await gotToken(socket)).toEqual({ token: "", errors: "Session store unavailable", nth: 1 });
    expect(storage.getItem(keyOf(server))).toBe(kept);
    await proxy.up();
    await session.ready;
    expect(session.token).toBe(kept);
    await away.close();
    await proxy.close();
  });

  test("drops the token when the session is over, and begins anew", async () => {
    const storage = device();
    const socket = server.client();
    const session = tokenSession(socket, { storage });
    await session.ready;
    const { id, token } = session;
    const gone = next(socket, "disconnect");
    await server.sessions.destroy(id);
    expect((await gone)[0]).toBe("io server disconnect");
    expect([session.token, session.id]).toEqual(["", ""]);
    const message = gotToken(socket);
    expect(await message).toMatchObject({ created: true, errors: "" });
    expect(session.token).not.toBe(token);
  });

  test("keeps a newer token that another tab has stored by then", async () => {
    const storage = device();
    const socket = server.client();
    const session = tokenSession(socket, { storage });
    await session.ready;
    const { id } = session;
    const newer = tokenSession(server.client(), { storage: device() });
    await newer.ready;
    storage.setItem(keyOf(server), newer.token);
    const gone = next(socket, "disconnect");
    await server.sessions.destroy(id);
    await gone;
    expect(storage.getItem(keyOf(server))).toBe(newer.token);
    await session.ready;
    expect(session.token).toBe(newer.token);
  });
});
