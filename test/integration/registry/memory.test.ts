import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Socket } from "socket.io-client";
import { hashSecret } from "../../../src/token/hash.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../../support/database/database.js";
import { type ChildNode, Clients, startProgram } from "../../support/processes/child-node.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Sessions that nobody has open any more leave nothing behind in the process. Objects are counted, after
// forced collections, by weak references to them; bytes come second.

const COUNT = 20_000;
const SECRET = "A".repeat(43);
/**
 * For 20 000 sessions, 100 bytes each. It was about 0.2 MB when this was written; one session that stays
 * takes about 700 bytes.
 */
const HEAP_BOUND = 2_000_000;

interface Left {
  live: number;
  alive: Record<string, number>;
  seen: Record<string, number>;
  timers: number;
  heapUsed: number;
}

let database: TestDatabase;
let node: ChildNode;
const clients = new Clients();

beforeAll(async () => {
  database = await createTestDatabase();
  const numbers = (most: number) =>
    `(with recursive numbers as (select 0 as n union all select n + 1 from numbers where n < ${most - 1}) select n from numbers)`;
  await database.pool.query(
    "insert into session (sessionId, expires, data, secretHash, revision, createdAt, visitedAt)" +
      " select concat('0190', lpad(lower(hex(a.n * 200 + b.n)), 28, '0')), unix_timestamp() + 86400, '{}', ?, 1," +
      ` unix_timestamp(), unix_timestamp() from ${numbers(COUNT / 200)} as a, ${numbers(200)} as b`,
    [hashSecret(SECRET)],
  );
});
beforeEach(async () => {
  node = await startProgram("memory-node.js", { database: poolOptions(database.url) }, ["--expose-gc"]);
});
afterEach(async () => {
  clients.close();
  await node.stop();
});
afterAll(() => database.drop());

function tokens(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, n) => {
    const id = `0190${(from + n).toString(16).padStart(28, "0")}`;
    return `${id}.${SECRET}`;
  });
}

test("20 000 sessions opened and closed leave no object and no memory", async () => {
  // Everything that is made once.
  await node.call("use", tokens(2_000));
  await node.call("mint", 200);
  await node.call("forget");
  const before = await node.call<Left>("left");
  await node.call("use", tokens(COUNT));
  await node.call("mint", 500);
  const after = await node.call<Left>("left");
  expect(after.seen).toEqual({ session: COUNT + 500 });
  expect(after.alive).toEqual({ session: 0 });
  expect(after.live).toBe(0);
  expect(after.timers).toBe(before.timers);
  await node.call("forget");
  const { heapUsed } = await node.call<Left>("left");
  expect(heapUsed - before.heapUsed).toBeLessThan(HEAP_BOUND);
});

test("real sockets, in many ways of coming and going, leave no object", async () => {
  const all: Socket[] = [];
  /** So many namespaces of one connection, each with a session of its own. */
  const connect = async (presented: string[], extra = {}) => {
    const main = clients.open(node.url, { autoConnect: false, reconnection: false });
    const sockets = presented.map((token, n) => main.io.socket(`/room-${n}`, { auth: { token, ...extra } }));
    all.push(...sockets);
    return sockets;
  };
  for (let round = 0; round < 20; round++) {
    const some = tokens(12, round * 12);
    const used = await connect(some);
    await Promise.all(used.map((socket) => gotToken(socket.connect())));
    await Promise.all(used.map((socket) => ask(socket, "use")));
    // Another token, and a session of its own.
    await Promise.all(used.slice(0, 3).map((socket) => ask(socket, "getToken", { token: "" })));
    const over = used.slice(3, 5).map((socket) => next(socket.emit("destroy"), "disconnect"));
    await Promise.all(over);
    // Refused by middleware after ours, and gone before an answer could come.
    const refused = await connect(tokens(3, 300), { refuse: true });
    await Promise.all(refused.map((socket) => next(socket.connect(), "connect_error")));
    for (const socket of await connect(tokens(3, 400))) socket.connect();
    clients.open(node.url, { auth: { token: tokens(1, 500)[0] } });
    for (const socket of all.splice(0)) socket.disconnect();
    clients.close();
  }
  for (let connected = 1; connected > 0; ) connected = await node.call("connected");
  const { seen, alive, live } = await node.call<Left>("left");
  expect(seen["socket"]).toBeGreaterThanOrEqual(300);
  expect(seen["handle"]).toBeGreaterThanOrEqual(240);
  expect({ alive, live }).toEqual({ alive: { session: 0, socket: 0, handle: 0 }, live: 0 });
});

test("sessions that are not let go of are seen by all these measures", async () => {
  await node.call("use", tokens(5_000, 5_000));
  await node.call("forget");
  const before = await node.call<Left>("left");
  await node.call("use", tokens(5_000, 5_000), true);
  const after = await node.call<Left>("left");
  expect(after.alive).toEqual({ session: 5_000 });
  expect(after.live).toBe(5_000);
  // A quarter as many as above, and they take more than the bound there.
  expect(after.heapUsed - before.heapUsed).toBeGreaterThan(HEAP_BOUND);
});
