import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { TokenSessionOptions } from "../../../src/index.js";
import { HandClock } from "../../support/clock.js";
import { type AnsweringProxy, startAnsweringProxy } from "../../support/database/answering-proxy.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { insertExpired, stillThere } from "../../support/database/expired-rows.js";
import { type DatabaseProxy, startProxy } from "../../support/database/proxy.js";
import { gate, outcome } from "../../support/servers/nodes.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// sessions.close() waits for whatever the store has not answered; when it has resolved, no statement comes
// any more.

let database: TestDatabase;
const closing: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => database.drop());

interface Counted extends Rig {
  /** Near the library: holds statements. */
  readonly proxy: DatabaseProxy;
  /** Near the database: knows what has reached it. */
  readonly reached: AnsweringProxy;
}

/** Without pruning in the background, whose first time is chance. */
async function start(options: Partial<TokenSessionOptions> = {}): Promise<Counted> {
  const reached = await startAnsweringProxy(database.url);
  const proxy = await startProxy(reached.through(database.url));
  const rig = await startRig({
    databaseUrl: proxy.through(database.url),
    options: { prune: false, ...options },
    handlers: (io) => io.on("connection", (socket) => socket.on("hello", (done: () => void) => done())),
  });
  closing.push(
    () => reached.close(),
    () => proxy.close(),
    () => rig.close(),
  );
  return { ...rig, proxy, reached };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * What reached the database after `close()` had resolved; the pool ends in between, so nothing is still on
 * its way.
 */
async function lateStatements(rig: Counted, then: () => unknown = () => {}): Promise<string[]> {
  const before = rig.reached.statements.length;
  await then();
  for (let n = 0; n < 20; n++) await turn();
  await rig.close();
  return rig.reached.statements.slice(before);
}

/**
 * Closes while a statement that matches is held, and lets it go only when `close()` has had every chance to
 * resolve. Gives what has reached the database from then on.
 */
async function closeDuring(rig: Counted, matching: string, begin: () => unknown): Promise<string[]> {
  const held = rig.proxy.hold(matching);
  begin();
  const statement = await held;
  const before = rig.reached.statements.length;
  const order: string[] = [];
  const closed = rig.sessions.close().then(() => order.push("closed"));
  for (let n = 0; n < 20; n++) await turn();
  order.push("released");
  await statement.release();
  await closed;
  expect(order).toEqual(["released", "closed"]);
  return rig.reached.statements.slice(before);
}

describe("no statement reaches the database after close() has resolved", () => {
  test("of withSession handlers in hand, waiting, and begun later", async () => {
    const rig = await start();
    const { socket, session, id } = await rig.connect();
    await session.set("n", 1);
    const { opened, open } = gate();
    const begun = gate();
    const inHand = socket.withSession(async ({ session: draft }) => {
      draft["n"] = 2;
      begun.open();
      await opened;
      await outcome(session.set("m", 1));
    });
    const waiting = socket.withSession(({ session: draft }) => void Object.assign(draft, { n: 3 }));
    await begun.opened;
    await rig.sessions.close();
    const late = await lateStatements(rig, async () => {
      open();
      const ends = [inHand, waiting, socket.withSession(() => 1), rig.sessions.prune()].map(outcome);
      expect(await Promise.all(ends)).toEqual(ends.map(() => "SESSION_CLOSED"));
    });
    expect(late).toEqual([]);
    expect(await database.rows("select data from session where sessionId = ?", [id])).toEqual([
      { data: '{"n":1}' },
    ]);
  });

  test("of a session that is being created: it is waited for", async () => {
    const rig = await start();
    const client = rig.client({ auth: { token: "" } });
    const received = gotToken(client);
    expect(await closeDuring(rig, "insert into", () => {})).toEqual(["insert"]);
    const { token, created } = await received;
    expect(created).toBe(true);
    expect(await lateStatements(rig)).toEqual([]);
    expect(await stillThere(database, [token.slice(0, 32)])).toHaveLength(1);
  });

  test("of a row that is being read: it is waited for", async () => {
    const rig = await start();
    const { token } = await rig.connect();
    const reading = closeDuring(rig, "coalesce(data", () => rig.client({ auth: { token } }));
    expect(await reading).toEqual(["select"]);
    expect(await lateStatements(rig)).toEqual([]);
  });

  test("of pruning: the step under way is waited for, and is the last", async () => {
    const rig = await start();
    const old = await insertExpired(database, { count: 600, ago: 4000 });
    let pruned: Promise<number> | undefined;
    const step = closeDuring(rig, "delete old", () => {
      pruned = rig.sessions.prune();
    });
    expect(await step).toEqual(["delete"]);
    expect(await lateStatements(rig)).toEqual([]);
    expect(await pruned).toBe(100);
    expect(await stillThere(database, old)).toHaveLength(500);
  });

  test("of the sweep: it is waited for, and what it finds is not looked into", async () => {
    const clock = new HandClock();
    const rig = await start({ clock });
    const { id } = await rig.connect();
    const comparing = closeDuring(rig, "`sessionId`, `revision`", async () => {
      await database.pool.query("update session set revision = revision + 1 where sessionId = ?", [id]);
      clock.advance(60_000);
    });
    expect(await comparing).toEqual(["select"]);
    expect(clock.timers).toBe(0);
    expect(await lateStatements(rig, () => clock.advance(10_000_000))).toEqual([]);
  });

  test("of a touch: it is waited for", async () => {
    const clock = new HandClock();
    const rig = await start({ clock, idle: "events", expiration: 40, touchEvery: 10, revalidate: 10 });
    const { client } = await rig.connect();
    const touching = closeDuring(rig, "greatest(session.expires", () => {
      clock.advance(12_000);
      client.emit("hello", () => {});
    });
    expect(await touching).toEqual(["update"]);
    expect(await lateStatements(rig)).toEqual([]);
  });
});

describe("a client that comes after close(), while the Socket.IO server is still open", () => {
  test("connects without a session, and is told", async () => {
    const rig = await start();
    const { token } = await rig.connect();
    await rig.sessions.close();
    const late = await lateStatements(rig, async () => {
      for (const presented of ["", token, "nonsense"]) {
        const client = rig.client({ auth: { token: presented } });
        const connected = next(client, "connect");
        expect(await gotToken(client)).toMatchObject({ token: "", errors: "Session store unavailable" });
        await connected;
        await ask(client, "hello");
        // As is who asks by an event.
        expect(await ask(client, "getToken", { token: presented })).toMatchObject({ token: "" });
      }
    });
    expect(late).toEqual([]);
  });

  test("is cut where a session is required, and may come back elsewhere", async () => {
    const rig = await start({ required: true });
    const before = await rig.connect();
    await rig.sessions.close();
    for (const token of ["", before.token]) {
      const client = rig.client({ auth: { token }, reconnection: false });
      let connected = false;
      client.on("connect", () => {
        connected = true;
      });
      await next(client.io, "close");
      expect(connected).toBe(false);
    }
    expect(before.client.connected).toBe(true);
  });
});
