import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Connection, createConnection } from "mysql2/promise";
import { applySql, pruneFile } from "../../../scripts/dba.js";
import { createTestDatabase, poolOptions } from "../../support/database/database.js";
import { insertExpired, stillThere } from "../../support/database/expired-rows.js";
import { notRun } from "../../support/not-run.js";

// sql/prune.sql, the very file, run by the server's own event scheduler.

const HOUR = 3600;
const database = await createTestDatabase();
const before = await turnSchedulerOn();
const suite = before ? describe : describe.skip;

/** Gives the setting as it was; `undefined` where this account may not turn the scheduler on. */
async function turnSchedulerOn(): Promise<string | undefined> {
  try {
    const [row] = await database.rows<{ setting: string }>("select @@global.event_scheduler as setting");
    await database.pool.query("set global event_scheduler = on");
    return row?.setting;
  } catch {
    notRun({
      what: "test/integration/pruning/event.test.ts",
      why: "the account of DATABASE_URL may not turn the event scheduler on",
      command: "npm test without DATABASE_URL, or with an account that has SYSTEM_VARIABLES_ADMIN",
    });
    return undefined;
  }
}

afterAll(async () => {
  if (before) await database.pool.query("set global event_scheduler = ?", [before]);
  await database.drop();
});

suite("sql/prune.sql", () => {
  let dba: Connection;
  beforeAll(async () => {
    // An account with no more than what the file says that it needs: SELECT and DELETE on the table, and
    // EVENT.
    dba = await createConnection(poolOptions(database.url));
  });
  afterAll(() => dba.end());

  test("is refused to the application's account, which may create nothing", async () => {
    await expect(applySql(dba, pruneFile)).rejects.toMatchObject({ code: "ER_DBACCESS_DENIED_ERROR" });
  });

  test("lets the database delete old rows, the oldest first and a bounded number at a time, and no others", async () => {
    const hosts = await database.rows<{ host: string }>(
      "select host as host from mysql.user where user = ?",
      [database.account],
    );
    for (const { host } of hosts)
      await database.pool.query(`grant event on \`${database.schema}\`.* to ?@?`, [database.account, host]);
    const old = await insertExpired(database, { count: 10_050, ago: HOUR + 90 });
    const kept = [
      ...(await insertExpired(database, { count: 20, ago: HOUR - 90 })),
      ...(await insertExpired(database, { count: 20, ago: 1 })),
      ...(await insertExpired(database, { count: 20, ago: -90 })),
    ];
    // A right on a database counts from the next USE on.
    await dba.query(`use \`${database.schema}\``);
    await applySql(dba, pruneFile);

    // The event runs for the first time at once, and then in a minute.
    const youngest = old.slice(0, 50);
    await untilRowsAre(50 + kept.length);
    expect(await stillThere(database, old)).toEqual(youngest);

    const [event] = await database.rows<Record<string, unknown>>(
      "select interval_value as every, interval_field as unit, status as status from information_schema.events where event_schema = ?",
      [database.schema],
    );
    expect(event).toEqual({ every: "1", unit: "MINUTE", status: "ENABLED" });
    // What was left over goes in the next run.
    await dba.query("alter event session_prune on schedule every 1 second");
    await untilRowsAre(kept.length);
    expect(await stillThere(database, old)).toEqual([]);
    expect(await stillThere(database, kept)).toEqual(kept);
  });
});

async function untilRowsAre(expected: number): Promise<void> {
  for (;;) {
    const [row] = await database.rows<{ count: number }>("select count(*) as count from session");
    if (Number(row?.count) <= expected) return;
  }
}
