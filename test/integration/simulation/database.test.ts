import { afterAll, beforeAll, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { type Connection, createConnection, type QueryError } from "mysql2/promise";
import { contractSettings } from "../../../src/testing/index.js";
import type { Row } from "../../simulation/sql/statement.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../../support/database/database.js";
import { type Recorded, RecordedStore } from "./recorded-store.js";
import { schedules } from "./schedules.js";

// The simulated database is believed as far as it answers as the real ones do. Whatever our code sends, in
// any order and without faults, is sent to both.

let real: TestDatabase;
let connection: Connection;
let engine: "mysql" | "mariadb";

beforeAll(async () => {
  real = await createTestDatabase();
  connection = await createConnection(poolOptions(real.url));
  const [row] = await real.rows<{ version: string }>("select version() as version");
  engine = /mariadb/i.test(row?.version ?? "") ? "mariadb" : "mysql";
});
afterAll(async () => {
  await connection.end();
  await real.drop();
});

/** What can be compared of an answer: rows, counts or the number of an error. */
interface Comparable {
  readonly rows?: unknown;
  readonly header?: unknown;
  readonly errno?: number | undefined;
}

function comparable({ error, result, sql }: Pick<Recorded, "error" | "result" | "sql">): Comparable {
  if (error) return { errno: (error as QueryError).errno };
  if (Array.isArray(result)) return { rows: isOrdered(sql) ? result.map(plain) : sorted(result.map(plain)) };
  const { affectedRows, insertId, serverStatus, warningStatus } = result as Record<string, number>;
  // In a transaction, autocommit, no backslash escapes.
  const flags = (serverStatus ?? 0) & 0x203;
  return { header: { affectedRows, insertId, flags, warnings: warningStatus } };
}

const isOrdered = (sql: string) => sql.includes("order by");

function plain(row: Row): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? value.toString("hex") : value,
    ]),
  );
}

function sorted(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.sort((one, other) => (String(one["sessionId"]) < String(other["sessionId"]) ? -1 : 1));
}

/**
 * Of what a connection is asked about itself only the kind of answer and its columns: the rest is the
 * server's own.
 */
function shape({ rows, header, errno }: Comparable): unknown {
  if (errno !== undefined) return errno;
  return header ? "done" : Object.keys((rows as object[])[0] ?? {});
}

/** The cluster's settings are not there on every server, simulated or real. */
const isOfAnyServer = (sql: string) => !/^show |@@wsrep_|@@group_replication_/.test(sql);
const isAboutRows = (sql: string) => sql.includes("`session`") && !sql.includes("as lookedAt");

/** Sends what was recorded to the real server, at the same time of its clock. */
async function answerOf({ second, sql, parameters }: Recorded): Promise<Comparable> {
  await connection.query(`set timestamp = ${second}`);
  try {
    const [result] = await connection.query(sql, parameters as unknown[]);
    return comparable({ sql, result, error: undefined });
  } catch (error) {
    return comparable({ sql, result: undefined, error });
  }
}

/** Both come to the same by a schedule. */
function agreement(flaw?: (sql: string) => string) {
  return fc.asyncProperty(schedules, async (steps) => {
    const simulated = new RecordedStore(engine, contractSettings, { flaw });
    for (const step of steps) await step(simulated);
    await real.pool.query("delete from session");
    for (const each of simulated.recorded) {
      const answer = await answerOf(each);
      const { sql, parameters } = each;
      if (isAboutRows(sql))
        expect({ sql, parameters, ...comparable(each) }).toEqual({ sql, parameters, ...answer });
      else if (isOfAnyServer(sql)) expect([sql, shape(comparable(each))]).toEqual([sql, shape(answer)]);
    }
    const rows = await real.rows<Row>("select * from session order by sessionId");
    expect(sorted(simulated.database.rows.map(plain))).toEqual(sorted(rows.map(plain)));
  });
}

test("the simulated database answers as the real one does", async () => {
  await fc.assert(agreement(), { numRuns: 60, endOnFailure: false });
}, 120_000);

test.each([
  ["takes expired rows for live", "expires > unix_timestamp()", "expires > 0"],
  ["does not compare revisions of many", "= given.base", ">= 0"],
  [
    "does not compare the revision of one",
    `least(revision, ${2 ** 53}) = ?`,
    `least(revision, ${2 ** 53}) >= 0 * ?`,
  ],
  ["lets a touch shorten a life", "greatest(", "least("],
  ["forgets the second in which a session ends", "old.expires <=", "old.expires <"],
  ["lists in another order", "order by sessionId", "order by expires"],
  ["leaves one row out", "for update skip locked", "- 1 for update skip locked"],
])(
  "one that %s is found out",
  async (_, from, to) => {
    const { errorInstance } = await fc.check(
      agreement((sql) => sql.replaceAll(from, to)),
      { numRuns: 200, endOnFailure: true },
    );
    // An answer that differs, and not a statement that the simulated database does not understand.
    expect(errorInstance).toHaveProperty("matcherResult.pass", false);
  },
  120_000,
);

test("the guard fails on both where something is wrong, whether or not there are rows", async () => {
  await real.pool.query("delete from session");
  const simulated = new RecordedStore(engine, contractSettings);
  for (const state of [0, 1, 4, 24])
    for (const where of ["", "sessionId = 'none' and "])
      await simulated.query(
        `select sessionId from \`session\` where ${where}18446744073709551615 + (${state}) > 0 limit 1`,
        [],
      );
  const answers: Comparable[] = [];
  for (const each of simulated.recorded) answers.push(await answerOf(each));
  expect(simulated.recorded.map(comparable)).toEqual(answers);
  expect(answers.map(({ errno }) => errno)).toEqual([
    undefined,
    undefined,
    1690,
    1690,
    1690,
    1690,
    1690,
    1690,
  ]);
});
