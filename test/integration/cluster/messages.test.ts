import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { systemClock } from "../../../src/base/clock.js";
import { HandClock } from "../../support/clock.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { startProxy } from "../../support/database/proxy.js";
import {
  describeWithRedis,
  hearEachOther,
  type Monitor,
  redisUrl,
  startMonitor,
} from "../../support/redis/redis.js";
import {
  ADAPTERS,
  type MakeAdapter,
  NO_SWEEP,
  type Nodes,
  startNodes,
} from "../../support/servers/cluster.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { gotToken, next, type TestServerOptions } from "../../support/servers/server.js";

// What servers tell each other of their sessions, and what it costs when that is lost or senseless. Both
// servers are in this process, and one has a clock that the test moves: while it stands still, nothing is
// noticed by the sweep.

let database: TestDatabase;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});
afterAll(() => database.drop());

/** The second has a clock of its own, which stands still. */
async function startTwo(
  makeAdapter: MakeAdapter,
  there: TestServerOptions & { redis?: string } = {},
): Promise<{ here: Rig; there: Rig; clock: HandClock }> {
  const clock = new HandClock();
  const { nodes, close }: Nodes = await startNodes(makeAdapter, [
    { databaseUrl: database.url },
    { databaseUrl: database.url, ...there, options: { clock, ...there.options } },
  ]);
  closing.push(close);
  return { here: nodes[0] as Rig, there: nodes[1] as Rig, clock };
}

describeWithRedis("announcements", () => {
  let monitor: Monitor;
  beforeAll(async () => {
    monitor = await startMonitor(redisUrl());
  });
  afterAll(() => monitor?.stop());

  describe.each(ADAPTERS)("over %s", (_name, makeAdapter) => {
    test("a write and an end are seen while the clock of the other server stands still", async () => {
      const { here, there } = await startTwo(makeAdapter);
      const { session, token, id } = await here.connect();
      const other = await there.connect(token);
      const change = once(there.sessions as never, "sessionChange");
      await session.set("n", 1);
      expect(await change).toEqual([{ sessionId: id, keys: ["n"] }]);
      expect(other.session.get("n")).toBe(1);
      const told = next(other.client, "sessionEnd");
      await session.destroy();
      expect(await told).toEqual([{ reason: "destroyed" }]);
      expect(other.session.active).toBe(false);
    });

    test("changes that wait on the other server are rejected when the session is destroyed", async () => {
      const proxy = await startProxy(database.url);
      closing.push(() => proxy.close());
      const { here, there } = await startTwo(makeAdapter, {
        databaseUrl: proxy.through(database.url),
        options: { storeTimeout: 1, clock: systemClock },
      });
      const { session, token } = await here.connect();
      const other = await there.connect(token);
      await other.session.set("n", 1);
      proxy.hang();
      // The first is on its way to a database that does not answer; the second waits behind it.
      const waiting = [other.session.set("n", 2), other.session.delete("n")];
      const rejected = Promise.all(
        waiting.map((change) =>
          expect(change).rejects.toMatchObject({ code: "SESSION_ENDED", sessionId: session.id }),
        ),
      );
      await session.destroy();
      await rejected;
      expect(other.session.get("n")).toBe(1);
      await proxy.down();
      expect(await database.rows("select 1 from session where sessionId = ?", [session.id])).toEqual([]);
    });

    test.each<[string, string, NonNullable<TestServerOptions["attach"]>]>([
      ["a namespace", "/chat", (sessions, io) => void sessions.attach(io.of("/chat"))],
      ["io.use on a namespace", "/chat", (sessions, io) => void io.of("/chat").use(sessions)],
      ["a dynamic namespace", "/room-7", (sessions, io) => void sessions.attach(io.of(/^\/room-\d+$/))],
    ])("reach sessions that are attached to %s alone", async (_form, name, attach) => {
      const clock = new HandClock();
      const { nodes, close } = await startNodes(makeAdapter, [
        { databaseUrl: database.url, attach },
        { databaseUrl: database.url, attach, options: { clock } },
      ]);
      closing.push(close);
      const [here, there] = nodes as [Rig, Rig];
      const connect = async ({ client }: Rig, presented: string) => {
        const socket = client().io.socket(name, { auth: { token: presented } });
        socket.connect();
        const { token } = await gotToken(socket);
        return { socket, token, id: token.slice(0, 32) };
      };
      const { token, id } = await connect(here, "");
      const { socket } = await connect(there, token);
      const change = once(there.sessions as never, "sessionChange");
      await (await here.sessions.find(id))?.set("n", 1);
      expect(await change).toEqual([{ sessionId: id, keys: ["n"] }]);
      const told = next(socket, "sessionEnd");
      await here.sessions.destroy(id);
      expect(await told).toEqual([{ reason: "destroyed" }]);
    });

    test("one that is lost costs only time: the sweep finds out", async () => {
      const proxy = await startProxy(redisUrl());
      closing.push(() => proxy.close());
      const { here, there, clock } = await startTwo(makeAdapter, { redis: proxy.through(redisUrl()) });
      const { session, token, id } = await here.connect();
      const other = await there.connect(token);
      const ending = await there.connect();
      await proxy.down();
      const before = (await monitor.text()).length;
      await session.set("n", 1);
      await here.sessions.destroy(ending.id);
      // It has been told to a Redis server that had nobody to tell.
      for (let text = ""; !(text.includes(id) && text.includes(ending.id)); )
        text = (await monitor.text()).slice(before);
      expect(other.session.get("n")).toBe("");
      expect(ending.session.active).toBe(true);

      const change = once(there.sessions as never, "sessionChange");
      const told = next(ending.client, "sessionEnd");
      const sweeps = setInterval(() => clock.advance(60_000 * 60), 10);
      closing.push(() => clearInterval(sweeps));
      expect(await change).toEqual([{ sessionId: id, keys: ["n"] }]);
      expect(await told).toEqual([{ reason: "destroyed" }]);
      await proxy.up();
      await hearEachOther([here.io, there.io]);
    });

    test.each<[string, unknown]>([
      ["nothing", undefined],
      ["null", null],
      ["a text", "written"],
      ["a list", [["0".repeat(32), 1]]],
      ["lists of something else", { written: [null, 7, "x", [], [[]], {}], ended: [[null], [undefined, 1]] }],
      ["no lists", { written: { length: 3 }, ended: 7 }],
      ["what is no id", { written: [["x", 1]], ended: [["x", "destroyed"]] }],
      ["a later version's words", { version: 9, renamed: [["0".repeat(32), "x"]] }],
    ])("%s in place of one harms nothing", async (_what, message) => {
      const { here, there } = await startTwo(makeAdapter);
      const { session, token, id } = await here.connect();
      const other = await there.connect(token);
      here.io.serverSideEmit("tokenSession", message);
      // What names the session, with a reason and a revision that are none.
      here.io.serverSideEmit("tokenSession", { written: [[id, "1"], [id]], ended: [[id, "later"], [id]] });
      const change = once(there.sessions as never, "sessionChange");
      await session.set("n", 1);
      await change;
      expect(other.session.active).toBe(true);
      expect(other.session.get("n")).toBe(1);
      expect(there.log.lines.filter(({ level }) => level !== "info")).toEqual([]);
    });

    test("carry ids, revisions and reasons, and nothing else", async () => {
      const { here, there } = await startTwo(makeAdapter);
      const heard: unknown[] = [];
      there.io.on("tokenSession", (...message: unknown[]) => void heard.push(message));
      const { session, id } = await here.connect();
      await session.set({ card: "4111-1111", n: 1 });
      const [row] = await database.rows<{ revision: number }>(
        "select revision from session where sessionId = ?",
        [id],
      );
      await session.destroy();
      // Messages arrive in the order in which they were sent.
      const marked = once(there.io, "mark");
      await new Promise(setImmediate);
      here.io.serverSideEmit("mark");
      await marked;
      expect(heard).toEqual([
        [{ written: [[id, row?.revision]], ended: [] }],
        [{ written: [], ended: [[id, "destroyed"]] }],
      ]);
    });
  });
});

describe("without a cluster adapter", () => {
  test.each([
    ["the in-memory adapter", {}],
    ["the one with connection state recovery", { connectionStateRecovery: {} }],
  ])("%s is asked to tell nobody, and prints no warning", async (_name, io) => {
    const warned = jest.spyOn(console, "warn").mockImplementation(() => {});
    closing.push(() => warned.mockRestore());
    const rig = await startRig({ databaseUrl: database.url, io, options: NO_SWEEP });
    closing.push(() => rig.close());
    const { session, client } = await rig.connect();
    const told = next(client, "sessionEnd");
    await session.set("n", 1);
    await session.destroy();
    await told;
    expect(warned).not.toHaveBeenCalled();
    // So it would be, were it asked.
    rig.io.serverSideEmit("anything");
    expect(String(warned.mock.calls[0]?.[0])).toMatch(/does not support the serverSideEmit/);
  });

  test("what one server writes, the other shows when it sweeps, and no sooner", async () => {
    const clock = new HandClock();
    const here = await startRig({ databaseUrl: database.url });
    const there = await startRig({ databaseUrl: database.url, options: { clock } });
    closing.push(
      () => here.close(),
      () => there.close(),
    );
    const { session, token, id } = await here.connect();
    const other = await there.connect(token);
    const change = once(there.sessions as never, "sessionChange");
    await session.set("n", 1);
    expect(await database.rows("select data from session where sessionId = ?", [id])).toEqual([
      { data: '{"n":1}' },
    ]);
    expect(other.session.get("n")).toBe("");
    clock.advance(36_000);
    expect(await change).toEqual([{ sessionId: id, keys: ["n"] }]);
    expect(other.session.get("n")).toBe(1);
  });
});
