import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { format } from "mysql2";
import {
  type ListSessionsOptions,
  memoryStore,
  type TokenSessions,
  tokenSession,
} from "../../../src/index.js";
import type { SqlText } from "../../../src/stores/mysql/lent-connection.js";
import { Reads } from "../../../src/stores/mysql/reads.js";
import type { ServerFacts } from "../../../src/stores/mysql/server-facts.js";
import { Stats } from "../../../src/stores/mysql/stats.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { startRig } from "../../support/servers/rig.js";

// What an administrator is shown, on a real table.

const nodes = useNodes();

/** A day of which no test says "now": rows of then are in order of their ids. */
const DAY = 1_750_000_000;
/** An id as it was made at this second. */
const idAt = (second: number) =>
  `${(second * 1000).toString(16).padStart(12, "0")}7${randomBytes(10).toString("hex").slice(1)}`;

interface Given {
  readonly id?: string;
  readonly userId?: string | null;
  readonly expires?: number;
  readonly createdAt?: number;
}

async function insertRows(rows: readonly Given[]): Promise<string[]> {
  const ids = rows.map(({ id, createdAt = DAY }) => id ?? idAt(createdAt));
  await nodes.database.pool.query(
    "insert into session (sessionId, expires, data, secretHash, userId, client, revision, createdAt, visitedAt) values ?",
    [
      rows.map(({ userId = null, expires = DAY * 2, createdAt = DAY }, n) => [
        ids[n],
        expires,
        '{"cart":"secret"}',
        Buffer.alloc(32, 1),
        userId,
        '{"device":"Pixel 9"}',
        2 ** 50,
        createdAt,
        createdAt + 5,
      ]),
    ],
  );
  return ids;
}

beforeEach(() => nodes.database.pool.query("delete from session"));

/** All pages; `between` runs after each of them. */
async function all(
  sessions: TokenSessions,
  options: ListSessionsOptions,
  between = async (_ids: string[]) => {},
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await sessions.list({ ...options, cursor });
    expect(page.sessions.length).toBeLessThanOrEqual(options.limit ?? 50);
    ids.push(...page.sessions.map(({ sessionId }) => sessionId));
    await between(ids);
    cursor = page.cursor;
  } while (cursor);
  return ids;
}

describe("pages", () => {
  test("have each living session once, in order, and nothing of its values or secrets", async () => {
    const { sessions } = await nodes.node();
    const living = await insertRows(
      Array.from({ length: 7 }, (_, n) => ({ createdAt: DAY + n, userId: n % 2 ? "ada" : null })),
    );
    await insertRows([{ expires: 5 }]);
    for (const limit of [1, 2, 3, 7, 8, 1000]) expect(await all(sessions, { limit })).toEqual(living);
    expect((await sessions.list()).cursor).toBeNull();
    expect((await sessions.list({ limit: 2 })).sessions[1]).toEqual({
      sessionId: living[1],
      userId: "ada",
      client: { device: "Pixel 9" },
      createdAt: DAY + 1,
      visitedAt: DAY + 6,
      previousVisitAt: 0,
      expiresAt: DAY * 2,
      live: false,
    });
    expect(await sessions.count()).toBe(7);
  });

  test("stay true while sessions begin and end between them", async () => {
    const { sessions } = await nodes.node();
    const ids = await insertRows(Array.from({ length: 30 }, (_, n) => ({ createdAt: DAY + 10 * n })));
    const gone = new Set<string>();
    const begun: string[] = [];
    const seen = await all(sessions, { limit: 4 }, async (listed) => {
      const last = listed.at(-1) as string;
      // Behind the cursor, before it, the one that it stands on, and new ones on both sides.
      for (const id of [last, ids[ids.indexOf(last) + 3], ids[ids.indexOf(last) - 2]]) if (id) gone.add(id);
      await nodes.database.pool.query("delete from session where sessionId in (?)", [[...gone]]);
      begun.push(
        ...(await insertRows([{ createdAt: DAY - 5 }, { createdAt: DAY + 100_000 + begun.length }])),
      );
    });
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual([...seen].sort());
    const stayed = ids.filter((id) => !gone.has(id));
    expect(stayed.length).toBeGreaterThan(5);
    expect(stayed.filter((id) => !seen.includes(id))).toEqual([]);
    // What began behind the last page's end is there too; what began before the first is not.
    expect(seen.filter((id) => begun.includes(id)).length).toBeGreaterThan(0);
  });

  test("of a user, exactly; with many sessions, by pages", async () => {
    const { sessions } = await nodes.node();
    const own = await insertRows(
      Array.from({ length: 12 }, (_, n) => ({ createdAt: DAY + n, userId: "ada" })),
    );
    await insertRows([{ userId: "Ada" }, { userId: "ada " }, { userId: "bob" }, { userId: null }]);
    for (const limit of [1, 5, 12, 100]) expect(await all(sessions, { userId: "ada", limit })).toEqual(own);
    expect(await all(sessions, { userId: "ada", since: DAY + 3, before: DAY + 9, limit: 2 })).toEqual(
      own.slice(3, 9),
    );
    expect(await sessions.count({ userId: "ada" })).toBe(12);
    expect(await all(sessions, { userId: "nobody" })).toEqual([]);
  });

  test("of a time: by the second that the row has, whatever the id says within a minute", async () => {
    const { sessions } = await nodes.node();
    const [early, late] = [idAt(DAY - 59), idAt(DAY + 59)];
    await insertRows([
      { id: early, createdAt: DAY },
      { id: late, createdAt: DAY },
      { createdAt: DAY - 1 },
      { createdAt: DAY + 1 },
      { createdAt: DAY + 100_000 },
    ]);
    expect(await all(sessions, { since: DAY, before: DAY + 1, limit: 1 })).toEqual([early, late]);
    expect(await sessions.count({ since: DAY })).toBe(4);
    expect(await sessions.count({ before: DAY })).toBe(1);
    expect(await sessions.count({ since: 0 })).toBe(5);
    expect(await sessions.count({ before: 4_294_967_295 })).toBe(5);
  });

  test("a token of the old package, which is the key of its row, is never shown, nor stands in a cursor", async () => {
    const { sessions } = await nodes.node();
    const [first, last] = await insertRows([{ createdAt: DAY }, { createdAt: DAY + 1 }]);
    const tokens = Array.from({ length: 5 }, (_, n) => `0${n}Z_-${"x".repeat(27)}`);
    await insertRows(tokens.map((id) => ({ id })));
    expect(await all(sessions, { limit: 1 })).toEqual([first, last]);
  });
});

describe("live", () => {
  test("is what a socket of this server has open; true needs no statement", async () => {
    const node = await nodes.node();
    const others = await insertRows([{ createdAt: DAY }, { createdAt: DAY + 1, userId: "ada" }]);
    const one = await node.connect();
    const two = await node.connect();
    await two.session.login("ada");
    const open = [one.id, two.id].sort();
    const elsewhere = await nodes.node();
    expect(await all(node.sessions, { live: false, limit: 1 })).toEqual(others);
    expect(await elsewhere.sessions.count({ live: true })).toBe(0);
    expect(await elsewhere.sessions.count({ live: false })).toBe(4);
    const listed = (await node.sessions.list()).sessions.filter(({ live }) => live);
    expect(listed.map(({ sessionId }) => sessionId)).toEqual(open);
    await node.proxy.down();
    expect(await all(node.sessions, { live: true, limit: 1 })).toEqual(open);
    expect(await all(node.sessions, { live: true, userId: "ada" })).toEqual([two.id]);
    expect((await node.sessions.list({ live: true })).sessions).toEqual(listed);
    expect(await node.sessions.count({ live: true, before: DAY })).toBe(0);
    await node.proxy.up();
  });
});

test("an unknown filter, a cursor of another filter and a closed server are refused", async () => {
  const node = await nodes.node();
  await insertRows([{}, {}]);
  const { cursor } = await node.sessions.list({ limit: 1 });
  expect(await outcome(node.sessions.list({ cursor, userId: "ada" }))).toBe("SESSION_OPTION_INVALID");
  expect(await outcome(node.sessions.list({ visitedAt: 5 } as never))).toBe("SESSION_OPTION_INVALID");
  expect(await outcome(node.sessions.count(null as never))).toBe("SESSION_OPTION_INVALID");
  await node.close();
  for (const refused of [
    node.sessions.list(),
    node.sessions.list({ live: true }),
    node.sessions.count(),
    node.sessions.stats(),
    node.sessions.destroyMany({ all: true }),
  ])
    expect(await outcome(refused)).toBe("SESSION_CLOSED");
});

test("a store without lists says so; memory has them", async () => {
  const { load, insert, write, touch, delete: remove } = memoryStore()({} as never);
  const bare = tokenSession({ store: () => ({ load, insert, write, touch, delete: remove }), logger: false });
  for (const refused of [
    bare.list(),
    bare.list({ userId: 7 }),
    bare.count(),
    bare.count({ since: 5 }),
    bare.stats(),
    bare.destroyMany({ userId: 7 }),
  ])
    expect(await outcome(refused)).toBe("SESSION_UNSUPPORTED");
  await bare.close();
  const server = await startRig({ options: { store: memoryStore() } });
  try {
    const own: string[] = [];
    for (let n = 0; n < 3; n++) {
      const { session, id } = await server.connect();
      await session.login("ada");
      own.push(id);
    }
    expect(await all(server.sessions, { userId: "ada", limit: 2 })).toEqual(own.sort());
    expect(await all(server.sessions, { limit: 1 })).toEqual(own);
    expect(await server.sessions.stats()).toMatchObject({
      alive: 3,
      expired: 0,
      loggedIn: 3,
      sampled: false,
    });
  } finally {
    await server.close();
  }
});

test("each statement finds its rows by an index", async () => {
  await insertRows(
    Array.from({ length: 3_000 }, (_, n) => ({
      createdAt: DAY + n,
      userId: n % 50 === 0 ? "ada" : n % 2 ? `user-${n}` : null,
      expires: n % 10 === 0 ? 1000 + n : DAY * 2 + n,
    })),
  );
  await nodes.database.pool.query("analyze table session");
  const server = { guard: "1 = 1" } as ServerFacts;
  const reads = new Reads("`session`");
  const asked: SqlText[] = [
    reads.page({ limit: 51, values: false }, server),
    reads.page({ after: idAt(DAY + 1000), limit: 51, values: false }, server),
    reads.ofUser("ada", { after: "", limit: 51 }, server),
    reads.ofUser("ada", { after: idAt(DAY + 1000), limit: 51 }, server),
    reads.count(server),
  ];
  const read = async <Row>(statement: (server: ServerFacts) => SqlText) => {
    const { sql, parameters } = statement(server);
    if (!sql.includes("information_schema")) asked.push({ sql, parameters });
    return nodes.database.rows<Row>(sql, [...parameters]);
  };
  const stats = await new Stats(read, "`session`", "session").collect();
  expect(stats).toMatchObject({ alive: 2700, expired: 300, sampled: true });
  // From all over the table, though all end late in the time that is left to the last of them.
  expect(stats.rows).toBeGreaterThan(500);
  expect(stats.oldest).toBe(DAY + 1);
  expect(Math.abs(stats.loggedIn - 1500)).toBeLessThan(100);
  expect(asked.length).toBeGreaterThan(45);
  for (const { sql, parameters } of asked) {
    const keys = await keysOf(format(sql, [...parameters] as string[]));
    expect([sql, keys.join()]).toEqual([
      sql,
      expect.stringMatching(/^(?:(?:PRIMARY|session_expires|session_userId),?)+$|^nothing$/),
    ]);
  }
});

/**
 * The indexes by which a statement's rows are found; MySQL says it in its own way. `"nothing"` where the
 * database finds out from the ends of an index alone.
 */
async function keysOf(statement: string): Promise<string[]> {
  const plan = await nodes.database.rows<{
    EXPLAIN?: string;
    table?: string | null;
    key?: string | null;
    Extra?: string;
  }>(`explain ${statement}`);
  const tree = plan[0]?.EXPLAIN;
  if (tree !== undefined) {
    const found = [
      ...tree.matchAll(
        /(?:scan|lookup|search)(?: on \S+)?(?: over \S+)? on session using (\S+)|(Table scan on session)/g,
      ),
    ];
    return found.length === 0 && /Rows fetched before execution/.test(tree)
      ? ["nothing"]
      : found.map(([, key]) => key ?? "none");
  }
  if (plan.some(({ Extra }) => /optimized away/i.test(Extra ?? ""))) return ["nothing"];
  return plan.filter(({ table }) => table && !table.startsWith("<")).map(({ key }) => key ?? "none");
}
