import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createPool, type Pool } from "mysql2/promise";
import {
  type PruneStep,
  type TokenSessionOptions,
  type TokenSessions,
  tokenSession,
} from "../../../src/index.js";
import { MysqlStore } from "../../../src/stores/mysql/mysql-store.js";
import { HandClock } from "../../support/clock.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../../support/database/database.js";
import { insertExpired, stillThere } from "../../support/database/expired-rows.js";
import { startProxy } from "../../support/database/proxy.js";
import { type KeptLog, keptLog } from "../../support/log.js";

const HOUR = 3600;
const DAY_MS = 86_400_000;

let database: TestDatabase;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
  await database.pool.query("delete from session");
});
afterAll(() => database.drop());

interface Node {
  readonly sessions: TokenSessions;
  readonly log: KeptLog;
  /** Every step that the store was asked for. */
  readonly steps: Promise<PruneStep>[];
}

/** Token sessions on the real store, whose steps of pruning a test can follow. */
function node(options: Partial<TokenSessionOptions> = {}, url = database.url, table = "session"): Node {
  const pool: Pool = createPool(poolOptions(url));
  const steps: Promise<PruneStep>[] = [];
  const log = keptLog();
  const sessions = tokenSession({
    logger: log,
    store(settings) {
      const store = new MysqlStore(pool, table, settings);
      const prune = store.prune.bind(store);
      store.prune = (given) => {
        const step = prune(given);
        steps.push(step);
        return step;
      };
      return store;
    },
    ...options,
  });
  closing.push(async () => {
    await sessions.close();
    await pool.end();
  });
  return { sessions, log, steps };
}

/** Lets what follows on an answer take place: nothing of it waits for anything but promises. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Moves the clock on, second by second, until the next step of pruning; gives the seconds that it took. */
async function untilNextStep({ steps }: Pick<Node, "steps">, clock: HandClock): Promise<number> {
  const before = steps.length;
  for (let second = 1; second <= HOUR; second++) {
    clock.advance(1000);
    await settled();
    if (steps.length === before) continue;
    await steps[before]?.catch(() => {});
    await settled();
    return second;
  }
  throw new Error("an hour has passed without pruning");
}

describe("sessions.prune()", () => {
  test("deletes what expired more than an hour ago, in steps, and nothing else", async () => {
    const { sessions, steps } = node({ prune: false });
    const old = await insertExpired(database, { count: 1201, ago: HOUR + 30 });
    const kept = [
      ...(await insertExpired(database, { count: 60, ago: HOUR - 90 })),
      ...(await insertExpired(database, { count: 60, ago: -1 })),
    ];
    expect(await sessions.prune()).toBe(1201);
    expect(await stillThere(database, old)).toEqual([]);
    expect(await stillThere(database, kept)).toEqual(kept);
    const taken = await Promise.all(steps);
    // How large they are depends on how quick the database is.
    for (const { deleted } of taken) expect(deleted).toBeLessThanOrEqual(500);
    expect(taken[0]).toEqual({ deleted: 100, more: true });
    expect(taken.map(({ more }) => more)).toEqual(taken.map((_, n) => n < taken.length - 1));
    expect(await sessions.prune()).toBe(0);
  });

  test("on two nodes at once counts each row once", async () => {
    const one = node({ prune: false });
    const other = node({ prune: false }, database.url, `${database.schema}.session`);
    const old = await insertExpired(database, { count: 1500, ago: HOUR + 30 });
    const counts = await Promise.all([one.sessions.prune(), other.sessions.prune()]);
    expect(counts[0] + counts[1]).toBe(1500);
    expect(await stillThere(database, old)).toEqual([]);
  });

  test("spares a row whose expires moves forward between looking and deleting", async () => {
    const { sessions } = node({ prune: false });
    const [moved, old] = await insertExpired(database, { count: 2, ago: HOUR + 30 });
    const somebody = await database.pool.getConnection();
    try {
      await somebody.query("begin");
      await somebody.query("update session set expires = unix_timestamp() + 3600 where sessionId = ?", [
        moved,
      ]);
      const pruning = sessions.prune();
      // It has seen the row as it was, and waits for the lock.
      for (let waiting = false; !waiting; ) {
        waiting = (await database.threads()).some(({ statement }) => /^delete/i.test(statement));
      }
      await somebody.query("commit");
      expect(await pruning).toBe(1);
    } finally {
      somebody.release();
    }
    expect(await stillThere(database, [moved ?? "", old ?? ""])).toEqual([moved]);
  });

  test("ends after the step on its way when the sessions are closed", async () => {
    const clock = new HandClock();
    const { sessions, steps } = node({ prune: false, clock });
    const old = await insertExpired(database, { count: 700, ago: HOUR + 30 });
    const pruning = sessions.prune();
    await steps[0];
    await settled();
    const closed = sessions.close();
    clock.advance(DAY_MS);
    expect(await pruning).toBe(100);
    await closed;
    expect(await stillThere(database, old)).toHaveLength(600);
    await expect(sessions.prune()).rejects.toMatchObject({ code: "SESSION_CLOSED" });
  });

  test("says so when the database cannot be reached", async () => {
    const proxy = await startProxy(database.url);
    const { sessions } = node({ prune: false, storeTimeout: 1 }, proxy.through(database.url));
    await proxy.down();
    await expect(sessions.prune()).rejects.toMatchObject({ code: "SESSION_STORE_UNAVAILABLE" });
    await proxy.up();
    closing.push(() => proxy.close());
    const old = await insertExpired(database, { count: 3, ago: HOUR + 30 });
    expect(await sessions.prune()).toBe(3);
    expect(await stillThere(database, old)).toEqual([]);
  });
});

describe("in the background", () => {
  test("pruning begins within ten minutes and goes on about every ten, each node in its own time", async () => {
    const firsts: number[] = [];
    const nexts: number[] = [];
    for (let n = 0; n < 8; n++) {
      const clock = new HandClock();
      const one = node({ clock });
      firsts.push(await untilNextStep(one, clock));
      nexts.push(await untilNextStep(one, clock), await untilNextStep(one, clock));
    }
    expect(Math.max(...firsts)).toBeLessThanOrEqual(600);
    expect(new Set(firsts).size).toBeGreaterThan(1);
    expect(Math.min(...nexts)).toBeGreaterThanOrEqual(480);
    expect(Math.max(...nexts)).toBeLessThanOrEqual(720);
    expect(new Set(nexts).size).toBeGreaterThan(1);
  });

  test("it deletes, a step after the other, and leaves a line for those who debug", async () => {
    const clock = new HandClock();
    const one = node({ clock });
    const old = await insertExpired(database, { count: 101, ago: HOUR + 30 });
    const kept = await insertExpired(database, { count: 2, ago: HOUR - 90 });
    await untilNextStep(one, clock);
    await untilNextStep(one, clock);
    expect(await stillThere(database, [...old, ...kept])).toEqual(kept);
    const lines = [{ level: "debug", deleted: 101, text: "expired sessions were pruned" }];
    expect(one.log.lines).toEqual(lines);
    await untilNextStep(one, clock);
    // With nothing to delete there is nothing to say.
    expect(one.log.lines).toEqual(lines);
  });

  test("prune: false leaves it to others", async () => {
    const clock = new HandClock();
    const { sessions, steps } = node({ clock, prune: false });
    const old = await insertExpired(database, { count: 2, ago: HOUR + 30 });
    clock.advance(DAY_MS);
    await settled();
    expect(steps).toHaveLength(0);
    expect(await stillThere(database, old)).toEqual(old);
    expect(await sessions.prune()).toBe(2);
  });

  test("nothing of it comes after close()", async () => {
    const clock = new HandClock();
    const { sessions, steps } = node({ clock });
    await untilNextStep({ steps }, clock);
    await sessions.close();
    expect(clock.timers).toBe(0);
    clock.advance(DAY_MS);
    await settled();
    expect(steps).toHaveLength(1);
  });
});

describe("an account without the right to DELETE", () => {
  const rights = async (change: "grant" | "revoke") => {
    const hosts = await database.rows<{ host: string }>(
      "select host as host from mysql.user where user = ?",
      [database.account],
    );
    for (const { host } of hosts) {
      const what = `${change} delete on \`${database.schema}\`.session`;
      await database.pool.query(`${what} ${change === "grant" ? "to" : "from"} ?@?`, [
        database.account,
        host,
      ]);
    }
  };
  beforeAll(() => rights("revoke"));
  afterAll(() => rights("grant"));

  test("is told to the log once, until pruning has worked again", async () => {
    const clock = new HandClock();
    const one = node({ clock });
    const old = await insertExpired(database, { count: 2, ago: HOUR + 30 });
    const warnings = () => one.log.lines.filter(({ level }) => level === "warn");
    for (let n = 0; n < 3; n++) await untilNextStep(one, clock);
    expect(one.steps).toHaveLength(3);
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toMatchObject({ code: "SESSION_STORE_FAILED" });
    expect(warnings()[0]?.text).toMatch(/could not be pruned.*ER_TABLEACCESS_DENIED_ERROR/);
    // Nothing of the database's words, which name accounts and hosts.
    expect(one.log.text).not.toContain(database.account);
    expect(await stillThere(database, old)).toEqual(old);

    await rights("grant");
    await untilNextStep(one, clock);
    expect(await stillThere(database, old)).toEqual([]);
    await rights("revoke");
    await insertExpired(database, { count: 1, ago: HOUR + 30 });
    await untilNextStep(one, clock);
    expect(warnings()).toHaveLength(2);
  });

  test("makes sessions.prune() and destroy() reject each time, and the session lives on", async () => {
    const { sessions } = node({ prune: false });
    const old = await insertExpired(database, { count: 2, ago: HOUR + 30 });
    const [living = ""] = await insertExpired(database, { count: 1, ago: -HOUR });
    for (let n = 0; n < 2; n++) {
      for (const asked of [sessions.prune(), sessions.destroy(living)]) {
        const error = await asked.then(String, (reason: unknown) => reason);
        expect(error).toMatchObject({ code: "SESSION_STORE_FAILED" });
        expect(String(error)).not.toContain(database.account);
      }
    }
    expect(await stillThere(database, [...old, living])).toEqual([...old, living]);
    const session = await sessions.find(living);
    await session?.set("still", "alive");
    expect(session?.active).toBe(true);
  });
});
