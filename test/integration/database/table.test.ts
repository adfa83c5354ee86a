import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createPool, type Pool } from "mysql2/promise";
import { applySql, tableFile } from "../../../scripts/dba.js";
import { type SessionError, tokenSession } from "../../../src/index.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../../support/database/database.js";
import { ask, startServer } from "../../support/servers/server.js";

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase({ table: false });
  pool = createPool(poolOptions(database.url));
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await database.pool.query("drop table if exists session");
});

/** The message of SESSION_TABLE_INVALID, or what came instead. */
async function verdict(table = "session"): Promise<string> {
  try {
    await tokenSession({ db: pool, table, logger: false }).check();
    return "fit";
  } catch (error) {
    const { code, message } = error as SessionError;
    return code === "SESSION_TABLE_INVALID" ? message : `${code}: ${message}`;
  }
}

const ddl = readFileSync(tableFile, "utf8")
  .slice(readFileSync(tableFile, "utf8").indexOf("CREATE TABLE"))
  .trim();

describe("check()", () => {
  test("finds nothing to say of sql/session.sql", async () => {
    await applySql(database.pool, tableFile);
    expect(await verdict()).toBe("fit");
    expect(await verdict(`${database.schema}.session`)).toBe("fit");
  });

  test("a missing table: says so and carries the DDL", async () => {
    const message = await verdict();
    expect(message).toContain("the table is missing");
    expect(message).toContain(ddl);
  });

  test("is satisfied through a pool that gives big numbers as text too", async () => {
    await applySql(database.pool, tableFile);
    await database.pool.query("alter table session add column x int not null default 0");
    const textual = createPool({
      ...poolOptions(database.url),
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    await expect(tokenSession({ db: textual, logger: false }).check()).resolves.toBeUndefined();
    await textual.end();
  });

  test("the DDL names the table that the options name", async () => {
    expect(await verdict("app_session")).toContain("CREATE TABLE `app_session` (");
  });

  test.each([
    [
      "a narrower id",
      "modify sessionId char(31) character set ascii collate ascii_bin not null",
      /sessionId is CHAR\(31\)/,
    ],
    [
      "an id without regard to case",
      "modify sessionId char(32) character set ascii collate ascii_general_ci not null",
      /sessionId .* binary collation/,
    ],
    [
      "data that holds less than maxBytes may be",
      "modify data text character set utf8mb4 collate utf8mb4_bin",
      /data is TEXT/,
    ],
    ["data without emoji", "modify data mediumtext character set latin1", /data .* utf8mb4/],
    ["expires that ends in 2038", "modify expires int not null", /expires is INT/],
    ["a missing column", "drop column writers", /column writers is missing/],
    ["hashes cut short", "modify secretHash binary(20) null", /secretHash is BINARY\(20\)/],
    ["a secret that must be there", "modify secretHash binary(32) not null", /secretHash .*must be NULL/],
    ["revisions that do not fit", "modify revision int unsigned not null default 0", /revision is INT/],
    [
      "user ids without regard to case",
      "modify userId varchar(128) character set utf8mb4 collate utf8mb4_general_ci null",
      /userId .* binary collation/,
    ],
    ["no index on expires", "drop key session_expires", /no index begins with column expires/],
    ["no index on userId", "drop key session_userId", /no index begins with column userId/],
    [
      "another primary key",
      "drop primary key, add primary key (sessionId, expires)",
      /primary key is \(sessionId, expires\)/,
    ],
    [
      "an additional column that must be filled",
      "add column tenant int not null",
      /additional column tenant/,
    ],
    [
      "hashes that would be padded",
      "modify secretHash binary(64) null",
      /secretHash is BINARY\(64\).*BINARY\(32\) exactly/,
    ],
    ["revisions that may be missing", "modify revision bigint unsigned null", /revision .*NOT NULL/],
    [
      "a primary key on a part of the id",
      "drop primary key, add primary key (sessionId(20))",
      /primary key is \(sessionId\(20\)\)/,
    ],
    [
      "another unique index",
      "add column tenant varchar(9) not null default '', add unique key one (tenant)",
      /index one is unique/,
    ],
    ["an engine without row locks", "engine = MyISAM", /engine is MyISAM/],
  ])("names what is wrong: %s", async (_, change, message) => {
    await applySql(database.pool, tableFile);
    await database.pool.query(`alter table session ${change}`);
    const said = await verdict();
    expect(said).toMatch(message);
    expect(said).toContain(ddl);
    // One change, one difference.
    expect(said.split("\n")[0]?.split(";")).toHaveLength(1);
  });

  test.each([
    [
      "wider types",
      "modify sessionId varchar(64) character set ascii collate ascii_bin not null, modify expires bigint unsigned not null, modify data longtext character set utf8mb4 collate utf8mb4_bin, modify writers varbinary(500) not null default ''",
    ],
    [
      "additional columns",
      "add column tenant int null, add column region varchar(8) not null default 'eu', add column changed timestamp not null default current_timestamp",
    ],
    [
      "names in another case",
      "change sessionId sessionid char(32) character set ascii collate ascii_bin not null",
    ],
    ["a previous visit without default", "modify previousVisitAt int unsigned not null"],
    ["hashes of variable length", "modify secretHash varbinary(64) null"],
    ["an index of one's own", "add key mine (visitedAt, userId)"],
    [
      "another order of columns",
      "modify userId varchar(128) character set utf8mb4 collate utf8mb4_bin null first",
    ],
  ])("welcomes %s", async (_, change) => {
    await applySql(database.pool, tableFile);
    await database.pool.query(`alter table session ${change}`);
    expect(await verdict()).toBe("fit");
    const server = await startServer({ databaseUrl: database.url });
    expect(await ask(server.client(), "getToken", { token: "" })).toMatchObject({
      errors: "",
      created: true,
    });
    await server.close();
  });

  test("a view, and the old package's table, are not enough", async () => {
    await database.pool.query(
      "create table session (sessionId varchar(32) not null, expires int unsigned not null, data text, primary key (sessionId)) default charset = utf8mb4 collate = utf8mb4_bin",
    );
    expect(await verdict()).toMatch(/data is TEXT.*column secretHash is missing.*column writers is missing/s);
  });
});

describe.each([
  ["missing", undefined, /the table is missing/],
  ["wrong", "drop column writers", /column writers is missing/],
])("a table that is %s when clients come", (_, change, message) => {
  test("is told to the server's log with the DDL, to clients as unavailable, and works once it is mended", async () => {
    if (change) {
      await applySql(database.pool, tableFile);
      await database.pool.query(`alter table session ${change}`);
    }
    const server = await startServer({ databaseUrl: database.url });
    try {
      const clients = [server.client(), server.client()];
      const answers = await Promise.all(clients.map((client) => ask(client, "getToken", { token: "" })));
      for (const answer of answers)
        expect(answer).toEqual({ token: "", errors: "Session store unavailable" });
      const line = await server.log.line(message);
      expect(line).toMatchObject({ level: "error", code: "SESSION_TABLE_INVALID" });
      expect(line.text).toContain(ddl);
      // Said once, not for each client.
      expect(server.log.lines.filter(({ level }) => level === "error")).toHaveLength(1);

      const mended = new Promise((resolve) => clients[0]?.once("gotToken", resolve));
      await database.pool.query("drop table if exists session");
      await applySql(database.pool, tableFile);
      expect(await mended).toMatchObject({ errors: "", created: true });
    } finally {
      await server.close();
    }
  });
});
