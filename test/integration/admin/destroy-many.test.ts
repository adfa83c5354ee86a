import { beforeEach, describe, expect, test } from "@jest/globals";
import { memoryStore, type RevokeEvent, type TokenSessions } from "../../../src/index.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import { startRig } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

const nodes = useNodes();

beforeEach(() => nodes.database.pool.query("delete from session"));

const idNumber = (n: number) => `018f00000000700080${n.toString(16).padStart(14, "0")}`;

/** Sessions of a user that nobody has open. */
async function insertRows(count: number, userId: string | null = null): Promise<void> {
  const [first] = await nodes.database.rows<{ count: number }>("select count(*) as count from session");
  await nodes.database.pool.query(
    "insert into session (sessionId, expires, data, secretHash, userId, revision, createdAt, visitedAt) values ?",
    [
      Array.from({ length: count }, (_, n) => [
        idNumber(Number(first?.count) + n),
        4e9,
        "{}",
        Buffer.alloc(32, 1),
        userId,
        2 ** 50,
        1_714_000_000,
        1_714_000_000,
      ]),
    ],
  );
}

async function countRows(): Promise<number> {
  const [row] = await nodes.database.rows<{ count: number }>("select count(*) as count from session");
  return Number(row?.count);
}

test("ends exactly what the filter means, step by step, and tells its clients", async () => {
  const node = await nodes.node();
  await insertRows(600, "ada");
  await insertRows(3, "bob");
  const [mine, other] = [await node.connect(), await node.connect()];
  await mine.session.login("ada");
  await other.session.login("bob");
  const told = next(mine.client, "sessionEnd");
  const steps: number[] = [];
  expect(
    await node.sessions.destroyMany({ userId: "ada" }, { onProgress: ({ ended }) => steps.push(ended) }),
  ).toBe(601);
  expect(steps).toEqual([256, 512, 601]);
  expect(await told).toEqual([{ reason: "revoked" }]);
  expect(await countRows()).toBe(4);
  expect(other.session.active).toBe(true);
  expect(await node.sessions.destroyMany({ userId: "ada" })).toBe(0);
});

test("all: those that begin meanwhile are left alone", async () => {
  const node = await nodes.node();
  await insertRows(300);
  await nodes.database.pool.query("update session set createdAt = unix_timestamp() - 5");
  const later = idNumber(1_000_000);
  let begun = 0;
  const ended = await node.sessions.destroyMany(
    { all: true },
    {
      async onProgress() {
        if (begun++ > 0) return;
        // With an id that is still to come, as of a client that begins anew.
        await nodes.database.pool.query(
          "insert into session (sessionId, expires, data, secretHash, createdAt) values (?, 4000000000, '{}', ?, unix_timestamp() + 5)",
          [later, Buffer.alloc(32, 1)],
        );
      },
    },
  );
  expect(ended).toBe(300);
  expect(await nodes.database.rows("select sessionId from session")).toEqual([{ sessionId: later }]);
});

test("live: true ends what is open on this server, and nothing else", async () => {
  const [one, two] = [await nodes.node(), await nodes.node()];
  const [here, elsewhere] = [await one.connect(), await two.connect()];
  await insertRows(2);
  expect(await one.sessions.destroyMany({ live: true })).toBe(1);
  expect([here.session.active, elsewhere.session.active]).toEqual([false, true]);
  expect(await countRows()).toBe(3);
  expect(await one.sessions.destroyMany({ live: false })).toBe(3);
});

test("by time it ends no session that began outside of it", async () => {
  const node = await nodes.node();
  await insertRows(5);
  await nodes.database.pool.query(
    "update session set createdAt = 1714575000 + ascii(right(sessionId, 1)) - 48",
  );
  // What the ids say is a minute away at most.
  await nodes.database.pool.query(
    "update session set sessionId = concat(lpad(hex(createdAt * 1000), 12, '0'), substr(sessionId, 13))",
  );
  await nodes.database.pool.query("update session set sessionId = lower(sessionId)");
  expect(await node.sessions.destroyMany({ since: 1714575001, before: 1714575003 })).toBe(2);
  const left = await nodes.database.rows<{ createdAt: number }>("select createdAt from session order by 1");
  expect(left.map(({ createdAt }) => createdAt - 1714575000)).toEqual([0, 3, 4]);
});

describe("it stops", () => {
  const stopping: [string, (stop: AbortController) => Parameters<TokenSessions["destroyMany"]>[1], string][] =
    [
      [
        "where its signal is aborted",
        (stop) => ({ signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) }),
        "enough",
      ],
      [
        "where onProgress throws",
        () => ({
          onProgress() {
            throw new Error("no more");
          },
        }),
        "no more",
      ],
      [
        "where onProgress rejects",
        () => ({ onProgress: async () => Promise.reject(new Error("no more")) }),
        "no more",
      ],
    ];
  test.each(stopping)("%s, and what has ended stays so", async (_, options, message) => {
    const node = await nodes.node();
    await insertRows(600);
    expect(await outcome(node.sessions.destroyMany({ all: true }, options(new AbortController())))).toBe(
      message,
    );
    expect(await countRows()).toBe(600 - 256);
  });

  test("before it begins, where its signal was aborted before", async () => {
    const node = await nodes.node();
    await insertRows(1);
    const signal = AbortSignal.abort(new Error("too late"));
    expect(await outcome(node.sessions.destroyMany({ all: true }, { signal }))).toBe("too late");
    expect(await countRows()).toBe(1);
  });

  test("with SESSION_WRITE_UNCERTAIN where the database goes on the way; again, it ends the rest", async () => {
    const node = await nodes.node({ options: { storeTimeout: 1 } });
    await insertRows(600);
    const tried = node.sessions.destroyMany({ all: true }, { onProgress: () => node.proxy.down() });
    expect(await outcome(tried)).toBe("SESSION_WRITE_UNCERTAIN");
    expect(await countRows()).toBe(600 - 256);
    await node.proxy.up();
    expect(await node.sessions.destroyMany({ all: true })).toBe(600 - 256);
  });

  test("with SESSION_STORE_UNAVAILABLE where it was not there at all", async () => {
    const node = await nodes.node({ options: { storeTimeout: 1 } });
    await node.proxy.down();
    expect(await outcome(node.sessions.destroyMany({ userId: "ada" }))).toBe("SESSION_STORE_UNAVAILABLE");
    await node.proxy.up();
  });
});

test.each([
  ["a signal that is none", { signal: {} }],
  ["onProgress that is no function", { onProgress: 7 }],
  ["an unknown option", { limit: 5 }],
  ["null", null],
])("%s is refused, and nothing ends", async (_, options) => {
  const node = await nodes.node();
  await insertRows(1);
  expect(await outcome(node.sessions.destroyMany({ all: true }, options as never))).toBe(
    "SESSION_OPTION_INVALID",
  );
  expect(await countRows()).toBe(1);
});

test("each session that it ends has its revoke, with its user", async () => {
  const node = await nodes.node();
  await insertRows(2, "ada");
  const heard: RevokeEvent[] = [];
  node.sessions.on("revoke", (event) => heard.push(event));
  expect(await node.sessions.destroyMany({ userId: "ada" })).toBe(2);
  await until(async () => heard.length >= 2);
  expect(heard).toEqual(
    [0, 1].map((n) => ({
      sessionId: idNumber(n),
      userId: "ada",
      reason: "revoked",
      node: node.sessions.nodeId,
      createdAt: 1_714_000_000,
      at: expect.any(Number),
    })),
  );
});

test("memory does the same", async () => {
  const server = await startRig({ options: { store: memoryStore() } });
  try {
    const { session } = await server.connect();
    await session.login("ada");
    await server.connect();
    expect(await server.sessions.destroyMany({ userId: "ada" })).toBe(1);
    expect(await server.sessions.count()).toBe(1);
    expect(await server.sessions.destroyMany({ all: true })).toBe(1);
  } finally {
    await server.close();
  }
});
