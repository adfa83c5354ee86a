import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { Kysely, MysqlDialect, PostgresDialect } from "kysely";
import * as callbackMysql from "mysql2";
import { createConnection, createPool, type Pool, type PoolOptions } from "mysql2/promise";
import { type Database, SessionError, type TokenSessions, tokenSession } from "../../../src/index.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../../support/database/database.js";
import { keptLog } from "../../support/log.js";
import { expectOptionRefused } from "../../support/options.js";
import { ask, startServer } from "../../support/servers/server.js";

let database: TestDatabase;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function poolWith(options: PoolOptions = {}, init?: string): Pool {
  const pool = createPool({ ...poolOptions(database.url), ...options });
  if (init) {
    // Runs before anything else on each new connection, as applications set their session variables.
    pool.pool.on("connection", (connection) => connection.query(init));
  }
  cleanups.push(() => pool.end());
  return pool;
}

function sessionsOn(db: Database): TokenSessions {
  return tokenSession({ db, logger: false, storeTimeout: 2 });
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return "no error";
  } catch (error) {
    return error instanceof SessionError ? error.code : String(error);
  }
}

describe("db may be", () => {
  const flavours: [string, () => Promise<Database>][] = [
    ["a pool of mysql2/promise", async () => poolWith()],
    [
      "a pool of mysql2",
      async () => {
        const pool = callbackMysql.createPool(poolOptions(database.url) as callbackMysql.PoolOptions);
        cleanups.push(() => new Promise((resolve) => pool.end(resolve)));
        return pool;
      },
    ],
    [
      "a connection of mysql2/promise",
      async () => {
        const connection = await createConnection(poolOptions(database.url));
        cleanups.push(() => connection.end());
        return connection;
      },
    ],
    [
      "a connection of mysql2",
      async () => {
        const connection = callbackMysql.createConnection(
          poolOptions(database.url) as callbackMysql.ConnectionOptions,
        );
        cleanups.push(() => new Promise((resolve) => connection.end(resolve)));
        return connection;
      },
    ],
    [
      "a Kysely instance, whatever its plugins do",
      async () => {
        const pool = callbackMysql.createPool(poolOptions(database.url) as callbackMysql.PoolOptions);
        cleanups.push(() => new Promise((resolve) => pool.end(resolve)));
        return new Kysely<object>({
          dialect: new MysqlDialect({ pool }),
          plugins: [
            {
              transformQuery() {
                throw new Error("a plugin was used");
              },
              async transformResult() {
                throw new Error("a plugin was used");
              },
            },
          ],
        });
      },
    ],
    [
      "a pool that shows big numbers as strings",
      async () => poolWith({ supportBigNumbers: true, bigNumberStrings: true }),
    ],
    ["a pool without FOUND_ROWS", async () => poolWith({ flags: ["-FOUND_ROWS"] })],
    ["a pool of one connection", async () => poolWith({ connectionLimit: 1 })],
  ];

  test.each(flavours)("%s", async (_, make) => {
    const db = await make();
    const server = await startServer({
      options: { db },
      handlers: (io) =>
        io.on("connection", (socket) =>
          socket.on("add", async (done: (n: unknown) => void) => {
            await socket.session.set("n", Number(socket.session.get("n", 0)) + 1);
            done(socket.session.get("n"));
          }),
        ),
    });
    cleanups.unshift(() => server.close());
    await server.sessions.check();
    const client = server.client({ auth: { token: "" } });
    for (let n = 1; n <= 3; n++) expect(await ask(client, "add")).toBe(n);
  });

  test("a single connection is warned of, once", async () => {
    const connection = await createConnection(poolOptions(database.url));
    cleanups.push(() => connection.end());
    const log = keptLog();
    const sessions = tokenSession({ db: connection, logger: log });
    await sessions.check();
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual([
      { level: "warn", text: expect.stringContaining("does not reconnect") },
    ]);
  });
});

describe("db is refused by name:", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["nothing", () => undefined, /not undefined/],
    ["a URL", () => "mysql://localhost/", /not string/],
    ["an object", () => ({}), /not object/],
    [
      "a connection that nobody waited for",
      () => Promise.reject(new Error("no")),
      /not a promise: wait for it/,
    ],
    ["an array", () => [], /not an array/],
    ["a PoolCluster", () => callbackMysql.createPoolCluster(), /PoolCluster/],
    ["a pool of the mysql package", () => ({ getConnection() {}, query() {}, end() {} }), /not from mysql2/],
    ["a connection of the mysql package", () => ({ query() {}, end() {} }), /not from mysql2/],
    [
      "a Kysely instance for PostgreSQL",
      () => new Kysely<object>({ dialect: new PostgresDialect({ pool: {} as never }) }),
      /another database/,
    ],
  ])("%s", (_, make, message) => {
    expectOptionRefused(() => tokenSession({ db: make() as Database }), message);
  });
});

describe("a connection that would change values is refused:", () => {
  test.each<[string, () => Pool, RegExp]>([
    [
      "latin1 in the pool",
      () => poolWith({ charset: "latin1_swedish_ci" }),
      /character_set_client is latin1/,
    ],
    ["utf8mb3 in the pool", () => poolWith({ charset: "utf8_general_ci" }), /must be utf8mb4/],
    ["SET NAMES latin1", () => poolWith({}, "set names latin1"), /is latin1/],
    [
      "another client character set",
      () => poolWith({}, "set character_set_client = latin1"),
      /character_set_client is latin1/,
    ],
    [
      "another connection character set",
      () => poolWith({}, "set character_set_connection = latin1"),
      /character_set_connection is latin1/,
    ],
    [
      "another results character set",
      () => poolWith({}, "set character_set_results = latin1"),
      /character_set_results is latin1/,
    ],
    [
      "no results character set",
      () => poolWith({}, "set character_set_results = null"),
      /character_set_results/,
    ],
    [
      "NO_BACKSLASH_ESCAPES",
      () => poolWith({}, "set sql_mode = concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"),
      /NO_BACKSLASH_ESCAPES/,
    ],
    ["autocommit off", () => poolWith({}, "set autocommit = 0"), /autocommit is off/],
    ["rows as arrays", () => poolWith({ rowsAsArray: true }), /rows do not come back as objects/],
    ["rows by table", () => poolWith({ nestTables: true }), /rows do not come back as objects/],
    [
      "a typeCast that gives text for everything",
      () => poolWith({ typeCast: (field) => field.string() }),
      /binary data does not come back/,
    ],
  ])("%s", async (_, make, message) => {
    const sessions = sessionsOn(make());
    const error = await sessions.check().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SessionError);
    expect((error as SessionError).code).toBe("SESSION_CONNECTION_INVALID");
    expect(String(error)).toMatch(message);
  });

  test("through a user's Kysely as well", async () => {
    const { pool } = poolWith({}, "set sql_mode = concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES')");
    const kysely = new Kysely<object>({ dialect: new MysqlDialect({ pool }) });
    expect(await codeOf(() => sessionsOn(kysely).check())).toBe("SESSION_CONNECTION_INVALID");
  });

  test("without check() too: no session opens over it, and nothing is written", async () => {
    const server = await startServer({
      options: { db: poolWith({}, "set sql_mode = concat(@@sql_mode, ',NO_BACKSLASH_ESCAPES')") },
    });
    cleanups.unshift(() => server.close());
    const before = await database.rows("select count(*) as n from session");
    const client = server.client();
    expect(await ask(client, "getToken", { token: "" })).toEqual({
      token: "",
      errors: "Session store unavailable",
    });
    expect(await database.rows("select count(*) as n from session")).toEqual(before);
    expect((await server.log.line(/NO_BACKSLASH_ESCAPES/))["code"]).toBe("SESSION_CONNECTION_INVALID");
  });

  test("each new connection is checked, not only the first", async () => {
    const pool = createPool({ ...poolOptions(database.url), connectionLimit: 2 });
    cleanups.push(() => pool.end());
    const sessions = sessionsOn(pool);
    await sessions.check();
    // The one good connection is taken; the next is set up wrongly.
    const taken = await pool.getConnection();
    pool.pool.on("connection", (connection) => connection.query("set names latin1"));
    expect(await codeOf(() => sessions.check())).toBe("SESSION_CONNECTION_INVALID");
    taken.release();
  });
});

test("check() says at once that the password is wrong, without saying the password", async () => {
  const pool = poolWith({ password: "wrong-password" });
  const error = await sessionsOn(pool)
    .check()
    .catch((reason: unknown) => reason);
  expect((error as SessionError).code).toBe("SESSION_STORE_FAILED");
  expect(String(error)).toContain("ER_ACCESS_DENIED_ERROR");
  expect(JSON.stringify([error, String((error as SessionError).cause)])).not.toContain("wrong-password");
});
