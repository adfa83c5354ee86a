import { once } from "node:events";
import { type AddressInfo, connect as connectTo, createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createPool } from "mysql2/promise";
import { poolOptions } from "../../support/database/database.js";
import { type OwnDatabase, useOwnDatabases } from "../../support/database/own-database.js";
import { keptLog } from "../../support/log.js";
import { outcome } from "../../support/servers/nodes.js";
import { startRig } from "../../support/servers/rig.js";

// A primary that is replaced: it becomes read-only and keeps its connections; new connections reach the new
// one.

const own = useOwnDatabases(2);
const old = () => own.databases[0] as OwnDatabase;
const fresh = () => own.databases[1] as OwnDatabase;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  for (const { pool } of own.databases) {
    await pool.query("set global read_only = 0");
    await pool.query("delete from session");
  }
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** The name that the application knows: what connects from now on is sent to `target`. */
async function startName(): Promise<{ port: number; target: OwnDatabase; made: number; server: Server }> {
  const name = { port: 0, target: old(), made: 0, server: undefined as unknown as Server };
  name.server = createServer((client) => {
    name.made++;
    const upstream = connectTo(name.target.port, "127.0.0.1");
    client.pipe(upstream).pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  name.server.listen(0, "127.0.0.1");
  await once(name.server, "listening");
  name.port = (name.server.address() as AddressInfo).port;
  return name;
}

async function startNode({ url = old().url, storeTimeout = 10 } = {}) {
  const name = await startName();
  const pool = createPool({ ...poolOptions(url), host: "127.0.0.1", port: name.port });
  const kept = keptLog();
  const rig = await startRig({ options: { db: pool, logger: kept, storeTimeout, prune: false } });
  ends.push(async () => {
    await rig.close();
    await pool.end();
    name.server.close();
  });
  return { ...rig, pool, name, kept };
}

/** Opens as many connections of the pool as it may have, and lets us check each. */
async function fill(node: Awaited<ReturnType<typeof startNode>>): Promise<void> {
  const raw = await Promise.all(Array.from({ length: 10 }, () => node.pool.getConnection()));
  for (const connection of raw) connection.release();
}

async function replicate(): Promise<void> {
  for (const row of await old().rows("select * from session")) {
    await fresh().pool.query("replace into session set ?", [row]);
  }
}

test("changes, openings and lists go on at the new primary, and nobody hears of it", async () => {
  const node = await startNode();
  const { session, id, token } = await node.connect();
  await session.login("u1");
  await session.set("n", 1);
  await fill(node);
  await old().pool.query("set global read_only = 1");
  await replicate();
  node.name.target = fresh();
  const made = node.name.made;
  await session.set("n", 2);
  // The first that is refused finds its way within its own call: no connection is made but the one that it
  // needs.
  expect(node.name.made).toBe(made + 1);
  expect((await node.sessions.forUser("u1")).map(({ sessionId }) => sessionId)).toEqual([id]);
  await node.connect();
  expect(
    (await fresh().rows<{ data: string }>("select data from session where sessionId = ?", [id]))[0]?.data,
  ).toBe('{"n":2}');
  expect(token).not.toBe("");
});

test("the old primary's rows are not believed, whether there are any or not", async () => {
  const node = await startNode();
  const { session, id, token } = await node.connect();
  await session.set("n", 1);
  const stranger = await node.connect();
  await fill(node);
  await old().pool.query("set global read_only = 1");
  await replicate();
  // What the old one never heard of, and what it has only in an old form.
  await fresh().pool.query("update session set data = ?, revision = revision + 1 where sessionId = ?", [
    '{"n":7}',
    id,
  ]);
  await old().pool.query("delete from session where sessionId = ?", [stranger.id]);
  node.name.target = fresh();
  expect((await node.sessions.find(stranger.id))?.id).toBe(stranger.id);
  await session.reload();
  expect(session.get("n")).toBe(7);
  const again = await node.connect(token);
  expect(again.id).toBe(id);
});

test("as long as there is no new primary, a reading waits, and then says that the store is away", async () => {
  const node = await startNode({ storeTimeout: 1 });
  const { id } = await node.connect();
  await old().pool.query("set global read_only = 1");
  const outcomes = await Promise.all([
    outcome(node.sessions.find(id)),
    outcome(node.sessions.find("0".repeat(32))),
    outcome(node.sessions.forUser("u1")),
  ]);
  expect(new Set(outcomes)).toEqual(new Set(["SESSION_STORE_UNAVAILABLE"]));
  await old().pool.query("set global read_only = 0");
  expect((await node.sessions.find(id))?.id).toBe(id);
});

describe("an account that may write on a read-only server", () => {
  test("is warned of once, writes nothing to the old primary, and is not told its rows", async () => {
    const node = await startNode({ url: old().privilegedUrl });
    const { session, id } = await node.connect();
    await session.set("n", 1);
    const said = node.kept.lines.filter(({ text }) => text.includes("may write on a read-only server"));
    expect(said).toHaveLength(1);
    await old().pool.query("set global read_only = 1");
    await replicate();
    node.name.target = fresh();
    await session.set("n", 2);
    const other = await node.connect();
    const rows = await old().rows<{ sessionId: string; data: string }>("select sessionId, data from session");
    expect(rows).toEqual([{ sessionId: id, data: '{"n":1}' }]);
    const now = await fresh().rows<{ sessionId: string }>("select sessionId from session");
    expect(now.map(({ sessionId }) => sessionId).sort()).toEqual([id, other.id].sort());
  });
});

test("MySQL's offline_mode is an outage like others", async () => {
  if (old().engine !== "mysql") return;
  const node = await startNode();
  const { session, id } = await node.connect();
  await session.set("n", 1);
  await old().pool.query("set global offline_mode = on");
  const change = session.set("n", 2);
  await replicate();
  node.name.target = fresh();
  await change;
  await old().pool.query("set global offline_mode = off");
  expect(
    (await fresh().rows<{ data: string }>("select data from session where sessionId = ?", [id]))[0]?.data,
  ).toBe('{"n":2}');
});
