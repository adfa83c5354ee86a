import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import {
  type NodeProcess,
  type RemoteSession,
  startNodeProcess,
} from "../../support/processes/node-process.js";

// Only the database's clock counts. Of three processes on one database, one has a clock that is right, one an
// hour fast, one an hour slow; nothing may come out differently for that.

const HOUR = 3600;
const SHIFTS = [HOUR, 0, -HOUR];
const EXPIRATION = 600;
/** By so much longer does a row live from a touch on. */
const TOUCH_EVERY = 10;

let database: TestDatabase;
let nodes: NodeProcess[];
beforeAll(async () => {
  database = await createTestDatabase();
  nodes = await Promise.all(
    SHIFTS.map((clockShiftSeconds) => {
      const options = {
        expiration: EXPIRATION,
        revalidate: 1,
        touchEvery: TOUCH_EVERY,
        idle: "events" as const,
        prune: false,
      };
      return startNodeProcess({ databaseUrl: database.url, clockShiftSeconds, options });
    }),
  );
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await database.drop();
});

/** Each process with each other. */
const pairs = SHIFTS.flatMap((_, one) => SHIFTS.map((_, other) => [one, other] as const)).filter(
  ([one, other]) => one !== other,
);
const name = (at: number) => ["fast", "right", "slow"][at];
const named = pairs.map(([one, other]) => [name(one), name(other), one, other] as const);

function node(at: number): NodeProcess {
  const found = nodes[at];
  if (!found) throw new Error("no such process");
  return found;
}

interface Times {
  expires: number;
  visitedAt: number;
  previousVisitAt: number;
  createdAt: number;
  now: number;
}

async function timesOf(id: string): Promise<Times> {
  const [row] = await database.rows<Times>(
    "select expires, visitedAt, previousVisitAt, createdAt, unix_timestamp() as now from session where sessionId = ?",
    [id],
  );
  if (!row) throw new Error("the row has gone");
  return row;
}

async function setTimes(id: string, assignments: string): Promise<void> {
  await database.pool.query(`update session set ${assignments} where sessionId = ?`, [id]);
}

/** Unix milliseconds, the first 48 bits of an id. */
const timeOf = (id: string) => Number.parseInt(id.slice(0, 12), 16);

async function databaseNowMs(): Promise<number> {
  const [row] = await database.rows<{ now: string }>("select unix_timestamp(now(6)) * 1000 as now");
  return Number(row?.now);
}

/** Minted there, open on each process. */
async function openEverywhere(minter: NodeProcess): Promise<RemoteSession[]> {
  const { token } = await minter.open();
  return Promise.all(nodes.map((node) => node.open(token)));
}

test("the clocks differ as they should", async () => {
  const [fast = 0, right = 0, slow = 0] = await Promise.all(nodes.map((node) => node.now()));
  expect(Math.round((fast - right) / 1000 / HOUR)).toBe(1);
  expect(Math.round((slow - right) / 1000 / HOUR)).toBe(-1);
});

test("the first id that a process mints has the database's time already", async () => {
  for (const each of nodes) {
    const before = await databaseNowMs();
    const { id } = await each.open();
    const after = await databaseNowMs();
    expect(timeOf(id)).toBeGreaterThan(before - 1000);
    expect(timeOf(id)).toBeLessThan(after + 1000);
  }
});

test("ids minted in turn are in order", async () => {
  const ids: string[] = [];
  for (let round = 0; round < 5; round++) for (const each of nodes) ids.push((await each.open()).id);
  // Each process knows the database's clock to less than a second; an hour it would not be.
  const seconds = ids.map((id) => timeOf(id) / 1000);
  for (const [n, time] of seconds.entries())
    expect(time).toBeGreaterThan(Math.max(...seconds.slice(0, n)) - 1);
});

describe.each(named)("minted on a %s clock, opened on a %s one", (_one, _other, one, other) => {
  test("right away, it is found, and what one writes the other has", async () => {
    const here = await node(one).open();
    expect((await here.change({ kind: "set", values: { here: 1 } })).outcome).toBe("done");
    const there = await node(other).open(here.token);
    expect(there).toMatchObject({ id: here.id, token: here.token, errors: "" });
    expect((await there.facts()).values).toEqual({ here: 1 });
    expect((await there.change({ kind: "set", values: { there: 2 } })).outcome).toBe("done");
    expect((await here.change({ kind: "delete", key: "here" })).outcome).toBe("done");
    expect((await here.facts()).values).toEqual({ there: 2 });
  });

  test("its times are the database's, and both show the same", async () => {
    const before = await databaseNowMs();
    const here = await node(one).open();
    const there = await node(other).open(here.token);
    const row = await timesOf(here.id);
    expect(row.createdAt).toBeGreaterThanOrEqual(Math.floor(before / 1000));
    expect(row.createdAt).toBeLessThanOrEqual(row.now);
    expect(row.expires).toBe(row.createdAt + EXPIRATION + TOUCH_EVERY);
    await here.change({ kind: "reload" });
    const { createdAt, visitedAt, previousVisitAt, expires: expiresAt } = row;
    for (const session of [here, there])
      expect(await session.facts()).toMatchObject({ createdAt, visitedAt, previousVisitAt, expiresAt });
  });

  test("an open there moves the end by the database's clock, and begins a visit after half an hour only", async () => {
    const { id, token } = await node(one).open();
    await setTimes(id, "expires = expires - 300, visitedAt = visitedAt - 1700, createdAt = createdAt - 2000");
    const before = await timesOf(id);
    await node(other).open(token);
    let row = before;
    while (row.expires === before.expires) row = await timesOf(id);
    expect(row.expires).toBeGreaterThanOrEqual(before.now + EXPIRATION);
    expect(row.expires).toBeLessThanOrEqual(row.now + EXPIRATION + TOUCH_EVERY);
    expect(row.previousVisitAt).toBe(0);

    await setTimes(id, "visitedAt = visitedAt - 1900");
    const { visitedAt } = await timesOf(id);
    await node(other).open(token);
    while (row.previousVisitAt === 0) row = await timesOf(id);
    expect(row.previousVisitAt).toBe(visitedAt);
  });

  test("an expired one is over for both", async () => {
    const here = await node(one).open();
    await setTimes(here.id, "expires = unix_timestamp()");
    expect((await here.change({ kind: "set", values: { n: 1 } })).outcome).toBe("SESSION_ENDED");
    expect((await node(other).open(here.token)).errors).toBe("Session Expired");
    expect((await node(one).open(here.token)).errors).toBe("Session Expired");
  });
});

test("the sweep ends on each process what has expired, and nothing else", async () => {
  const living = await openEverywhere(node(1));
  const expired = await openEverywhere(node(0));
  const [one] = expired;
  await setTimes(one?.id ?? "", "expires = unix_timestamp()");
  expect(await Promise.all(nodes.map((node) => node.ended(one?.id ?? "")))).toEqual(Array(3).fill("expired"));
  // It was compared together with the other.
  for (const session of expired) expect((await session.facts()).active).toBe(false);
  for (const session of living) expect((await session.facts()).active).toBe(true);
  for (const session of living) expect((await session.change({ kind: "reload" })).outcome).toBe("done");
});

test("an end that all processes know of comes when the database's clock is there", async () => {
  const sessions = await openEverywhere(node(2));
  const id = sessions[0]?.id ?? "";
  await setTimes(id, "expires = unix_timestamp() + 2");
  await Promise.all(sessions.map((session) => session.change({ kind: "reload" })));
  await Promise.all(
    nodes.map(async (node) => {
      expect(await node.ended(id)).toBe("expired");
      const { expires, now } = await timesOf(id);
      expect(now).toBeGreaterThanOrEqual(expires);
    }),
  );
});

test.each([0, 1, 2])(
  "pruning by process %i deletes what expired over an hour ago, and nothing else",
  async (at) => {
    const sessions = await Promise.all(Array.from({ length: 3 }, () => node(at).open()));
    const [old = "", recent = "", living = ""] = sessions.map(({ id }) => id);
    await setTimes(old, "expires = unix_timestamp() - 3602");
    await setTimes(recent, "expires = unix_timestamp() - 3500");
    expect(await node(at).prune()).toBe(1);
    const ids = (await database.rows<{ sessionId: string }>("select sessionId from session")).map(
      ({ sessionId }) => sessionId,
    );
    expect(ids).not.toContain(old);
    expect(ids).toEqual(expect.arrayContaining([recent, living]));
  },
);
