import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { GotToken } from "../../../src/index.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { ask, gotToken, startServer, type TestServer } from "../../support/servers/server.js";

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(() => server.close());

async function start(port?: number): Promise<void> {
  server = await startServer({
    databaseUrl: database.url,
    ...(port && { port }),
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.on("set", async (key: string, value: unknown, done: () => void) => {
          await socket.session.set(key, value);
          done();
        });
        socket.on("get", (key: string, done: (value: unknown) => void) => done(socket.session.get(key)));
        socket.on("id", (done: (id: unknown) => void) => done(socket.session.id));
      }),
  });
}

/** Both ways of presenting a token: each must give the same answers. */
const paths = {
  event: async (token: unknown) => {
    const client = server.client();
    const received = gotToken(client);
    client.emit("getToken", { token });
    return { client, message: await received };
  },
  handshake: async (token: unknown) => {
    const client = server.client({ auth: { token } });
    return { client, message: await gotToken(client) };
  },
};

async function firstVisit(): Promise<GotToken> {
  return (await paths.handshake("")).message;
}

async function rowOf(token: string) {
  const [row] = await database.rows<{
    secretHash: Buffer;
    data: string;
    expires: number;
    createdAt: number;
    now: number;
  }>("select *, unix_timestamp() as now from session where sessionId = ?", [token.slice(0, 32)]);
  return row;
}

describe.each(Object.entries(paths))("by %s", (_, present) => {
  test.each([
    ["an empty string", ""],
    ["null", null],
  ])("a first visit (%s) mints a session without error", async (_, token) => {
    await start();
    const { message } = await present(token);
    expect(message).toEqual({
      token: expect.stringMatching(/^[0-9a-f]{32}\.[\w-]{43}$/),
      errors: "",
      created: true,
      expiresAt: expect.any(Number),
    });
    const row = await rowOf(message.token);
    expect(row?.secretHash).toEqual(createHash("sha256").update(message.token.slice(33)).digest());
    expect(row?.data).toBe("{}");
    // `expiration` and `touchEvery`.
    expect(Math.abs((row?.expires ?? 0) - (row?.now ?? 0) - 86_400 - 900)).toBeLessThanOrEqual(2);
    expect(Math.abs((message.expiresAt ?? 0) - (row?.expires ?? 0))).toBeLessThanOrEqual(1);
  });

  test("a known token opens its session again", async () => {
    await start();
    const { token } = await firstVisit();
    const { client } = await present(token);
    await ask(client, "set", "userId", 7);
    client.disconnect();
    const again = await present(token);
    expect(again.message).toEqual({ token, errors: "", created: false, expiresAt: expect.any(Number) });
    expect(await ask(again.client, "get", "userId")).toBe(7);
  });

  test("a restarted server knows it too", async () => {
    await start();
    const { token } = await firstVisit();
    const { client } = await present(token);
    await ask(client, "set", "userId", 7);
    const { port } = server;
    await server.close();
    await start(port);
    const again = await present(token);
    expect(again.message.errors).toBe("");
    expect(await ask(again.client, "get", "userId")).toBe(7);
  });

  test("an expired one is answered with a fresh token, and its values stay behind", async () => {
    await start();
    const { token } = await firstVisit();
    await database.pool.query(
      `update session set expires = unix_timestamp() - 1, data = '{"userId":7}' where sessionId = ?`,
      [token.slice(0, 32)],
    );
    const { client, message } = await present(token);
    expect(message).toMatchObject({ errors: "Session Expired", created: true });
    expect(message.token).not.toBe(token);
    expect(await ask(client, "get", "userId")).toBe("");
    expect(await ask(client, "id")).toBe(message.token.slice(0, 32));
  });

  test("an expired one that several sockets present at once is expired for each, and unknown by a wrong secret", async () => {
    await start();
    const { token } = await firstVisit();
    const id = token.slice(0, 32);
    await database.pool.query("update session set expires = unix_timestamp() - 1 where sessionId = ?", [id]);
    const reasons: string[] = [];
    server.sessions.on("sessionInvalid", ({ reason }) => reasons.push(reason));
    const shown = [token, token, `${id}.${"A".repeat(43)}`, token];
    const answers = await Promise.all(shown.map(present));
    const [expired, unknown] = ["Session Expired", "Session Not Found"];
    expect(answers.map(({ message }) => message.errors)).toEqual([expired, expired, unknown, expired]);
    expect(reasons.sort()).toEqual(["expired", "expired", "expired", "unknown"]);
  });

  test("an unknown one is answered with a fresh token, and is never adopted", async () => {
    await start();
    const unknown = `${"0".repeat(32)}.${"A".repeat(43)}`;
    const { message } = await present(unknown);
    expect(message).toMatchObject({ errors: "Session Not Found", created: true });
    expect(message.token.slice(0, 32)).not.toBe(unknown.slice(0, 32));
    expect(await rowOf(unknown)).toBeUndefined();
  });

  test("the right id with a wrong secret is unknown, also while the session is live, and when it has expired", async () => {
    await start();
    const { token } = await firstVisit();
    const owner = await present(token);
    await ask(owner.client, "set", "userId", 7);
    const forged = `${token.slice(0, 33)}${"A".repeat(43)}`;
    const live = await present(forged);
    expect(live.message).toMatchObject({ errors: "Session Not Found", created: true });
    expect(await ask(live.client, "get", "userId")).toBe("");
    owner.client.disconnect();
    await database.pool.query("update session set expires = 1 where sessionId = ?", [token.slice(0, 32)]);
    expect((await present(forged)).message.errors).toBe("Session Not Found");
  });

  test("a row without a secret opens for nobody", async () => {
    await start();
    const { token } = await firstVisit();
    await database.pool.query("update session set secretHash = null where sessionId = ?", [
      token.slice(0, 32),
    ]);
    expect((await present(token)).message.errors).toBe("Session Not Found");
  });

  test("a row whose data is no JSON object is left alone, and the client gets a fresh session", async () => {
    await start();
    const { token } = await firstVisit();
    await database.pool.query("update session set data = '[1', revision = revision + 1 where sessionId = ?", [
      token.slice(0, 32),
    ]);
    const { message } = await present(token);
    expect(message).toMatchObject({ errors: "Session Not Found", created: true });
    expect((await rowOf(token))?.data).toBe("[1");
    expect(server.log.lines).toContainEqual(
      expect.objectContaining({
        level: "error",
        code: "SESSION_DATA_INVALID",
        sessionId: token.slice(0, 32),
      }),
    );
  });
});

test.each([[undefined], [{}], [null], ["text"]])(
  "getToken with %p and no token is a first visit",
  async (content) => {
    await start();
    const client = server.client();
    expect(await ask(client, "getToken", content)).toMatchObject({ errors: "", created: true });
  },
);

test("getToken is answered to the acknowledgement too, with the same object", async () => {
  await start();
  const client = server.client();
  const received = gotToken(client);
  const acknowledged = await ask<GotToken>(client, "getToken", { token: "" });
  expect(acknowledged).toEqual(await received);
});

test("without a token in the handshake nothing is minted until getToken", async () => {
  await start();
  const before = await database.rows("select count(*) as n from session");
  const client = server.client({ auth: { user: "bob" } });
  expect(await ask(client, "id")).toBeNull();
  expect(await ask(client, "get", "userId")).toBe("");
  expect(await database.rows("select count(*) as n from session")).toEqual(before);
});

test("a second getToken: the same token is verified again, another switches", async () => {
  await start();
  const one = await firstVisit();
  const other = await firstVisit();
  const client = server.client({ auth: { token: one.token } });
  await gotToken(client);
  await ask(client, "set", "who", "one");
  expect(await ask(client, "getToken", { token: one.token })).toMatchObject({
    token: one.token,
    created: false,
  });
  expect(await ask(client, "get", "who")).toBe("one");
  expect(await ask(client, "getToken", { token: other.token })).toMatchObject({
    token: other.token,
    errors: "",
  });
  expect(await ask(client, "get", "who")).toBe("");
  await ask(client, "set", "who", "other");
  expect((await rowOf(one.token))?.data).toBe('{"who":"one"}');
  expect((await rowOf(other.token))?.data).toBe('{"who":"other"}');
});

test("one socket cannot create sessions without end", async () => {
  await start();
  const client = server.client();
  let refused: GotToken | undefined;
  for (let n = 0; n < 30 && !refused; n++) {
    const message = await ask<GotToken>(client, "getToken", { token: "" });
    if (message.errors === "Too Many Sessions") refused = message;
  }
  expect(refused).toEqual({ token: "", errors: "Too Many Sessions" });
  expect(await ask(client, "id")).toMatch(/^[0-9a-f]{32}$/);
});

test("a touch moves expires of a session in use, and a visit begins after half an hour", async () => {
  await start();
  const { token } = await firstVisit();
  const id = token.slice(0, 32);
  await database.pool.query(
    "update session set visitedAt = visitedAt - 4000, expires = expires - 4000 where sessionId = ?",
    [id],
  );
  const [before] = await database.rows<{ visitedAt: number; expires: number }>(
    "select * from session where sessionId = ?",
    [id],
  );
  const { client } = await paths.handshake(token);
  await ask(client, "id");
  // The touch goes out behind the answer: closing waits for it.
  await server.close();
  const [after] = await database.rows<{ visitedAt: number; expires: number; previousVisitAt: number }>(
    "select * from session where sessionId = ?",
    [id],
  );
  expect(after?.previousVisitAt).toBe(before?.visitedAt);
  expect(after?.expires).toBeGreaterThan((before?.expires ?? 0) + 3900);
});

test("what is not getToken reaches the application; getToken itself does not", async () => {
  const seen: unknown[] = [];
  server = await startServer({
    databaseUrl: database.url,
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.on("getToken", (content: unknown) => seen.push(content));
        socket.on("done", (content: unknown, acknowledge: () => void) => {
          seen.push(content);
          acknowledge();
        });
      }),
  });
  const client = server.client();
  client.emit("getToken", { token: "" });
  await ask(client, "done", "event");
  expect(seen).toEqual(["event"]);
});

test("two connections of one token share one live session", async () => {
  await start();
  const { token } = await firstVisit();
  const [one, other] = [await paths.handshake(token), await paths.event(token)];
  await ask(one.client, "set", "n", 1);
  expect(await ask(other.client, "get", "n")).toBe(1);
  one.client.disconnect();
  await ask(other.client, "set", "n", 2);
  expect((await rowOf(token))?.data).toBe('{"n":2}');
});
