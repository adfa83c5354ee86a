import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "@jest/globals";
import { StoreFault } from "../../../src/index.js";
import { HandClock } from "../../support/clock.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { brittleStore } from "../../support/stores/memory.js";

// withSession at its limits: too many handlers, a store that is away, work that outlives its handler, odd
// keys.

const nodes = useNodes();
let rig: Rig | undefined;
afterEach(() => rig?.close());

const MAX_TURNS = 1_000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a thousand handlers of a session may wait; one more is refused, and afterwards there is room again", async () => {
  const node = await nodes.node();
  const { socket } = await node.connect();
  const other = await node.connect();
  const { opened, open } = gate();
  const order: number[] = [];
  const all = Array.from({ length: MAX_TURNS }, (_, n) =>
    socket.withSession(async () => {
      await opened;
      order.push(n);
    }),
  );
  const tooMany = outcome(socket.withSession(() => order.push(MAX_TURNS)));
  // Others have queues of their own.
  expect(await other.socket.withSession(() => "free")).toBe("free");
  open();
  expect(await tooMany).toBe("SESSION_QUEUE_FULL");
  await Promise.all(all);
  expect(order).toEqual(all.map((_, n) => n));
  expect(await socket.withSession(() => "again")).toBe("again");
  expect(node.log.lines.filter(({ code }) => code === "SESSION_QUEUE_FULL")).toHaveLength(1);
});

test("calls that wait behind a read that fails do not add up their time-outs", async () => {
  const clock = new HandClock();
  const brittle = brittleStore(clock);
  rig = await startRig({ options: { store: brittle.factory, clock, storeTimeout: 10 } });
  const { socket } = await rig.connect();
  const load = brittle.store.load.bind(brittle.store);
  brittle.store.load = () => Promise.reject(new StoreFault("not-applied", "away"));
  const ends = Array.from({ length: 5 }, () =>
    outcome(socket.withSession(() => 1)).then((end) => ({ end, afterMs: clock.now() })),
  );
  let over = false;
  const all = Promise.all(ends).finally(() => {
    over = true;
  });
  while (!over) {
    clock.advance(100);
    await turn();
  }
  for (const { end, afterMs } of await all) {
    expect(end).toBe("SESSION_STORE_UNAVAILABLE");
    // Not before its time; and the last pause between two tries is at most 1.5 seconds.
    expect(afterMs).toBeGreaterThanOrEqual(10_000);
    expect(afterMs).toBeLessThan(12_000);
  }
  brittle.store.load = load;
  expect(await socket.withSession(() => "again")).toBe("again");
});

test("work begun inside a handler keeps no draft that was saved, and no session, alive; nor does one that never ends", async () => {
  const program = fileURLToPath(new URL("../../support/processes/draft-program.js", import.meta.url));
  const child = fork(program, [], { execArgv: ["--expose-gc"], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let printed = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const ended = once(child, "exit");
  const [message] = await Promise.race([once(child, "message"), ended.then(() => [printed])]);
  const { seen, alive, stuckAlive } = message as { seen: number; alive: number; stuckAlive: number };
  expect(seen).toBe(500);
  // The one whose work goes on, and what the engine has on its stack.
  expect(alive).toBeLessThanOrEqual(3);
  expect(stuckAlive).toBeLessThanOrEqual(3);
  await ended;
});

test("a listener of sessionChange that calls withSession joins no draft", async () => {
  const node = await nodes.node();
  const { socket, session, id } = await node.connect();
  const order: unknown[] = [];
  let second: Promise<void> | undefined;
  const listened = new Promise<void>((resolve) => {
    node.sessions.once("sessionChange", () => {
      second = socket.withSession(({ session: draft }) => {
        order.push({ ...draft });
        draft["audit"] = 1;
      });
      resolve();
    });
  });
  const first = socket.withSession(async ({ session: draft }) => {
    draft["unsaved"] = 1;
    await session.set("k", 1);
    await listened;
    for (let n = 0; n < 3; n++) await turn();
    order.push("over");
    throw new RangeError("mine");
  });
  await expect(first).rejects.toThrow("mine");
  await second;
  expect(order).toEqual(["over", { k: 1 }]);
  expect((await nodes.row(id))?.data).toEqual({ k: 1, audit: 1 });
});

describe('"__proto__"', () => {
  const PROTO = "__proto__";
  /** As JSON has it: an own key. */
  const own = JSON.parse('{"__proto__":{"x":1},"a":1}');

  test.each<[string, "update" | "withSession"]>([
    ["in update", "update"],
    ["in withSession", "withSession"],
  ])("is a plain key of the draft: %s", async (_, way) => {
    const node = await nodes.node();
    const { socket, session, id, token } = await node.connect();
    const run = (fn: (draft: Record<string, unknown>) => unknown): Promise<unknown> =>
      way === "update"
        ? session.update(fn)
        : socket.withSession(({ session: draft }) => fn(draft as Record<string, unknown>));

    // Where there is no such key there is nothing behind it.
    expect(await run((draft) => [draft[PROTO], draft["constructor"], PROTO in draft])).toEqual([
      undefined,
      undefined,
      false,
    ]);
    const wrong = run((draft) => Object.assign(draft[PROTO] as object, { polluted: 1 }));
    await expect(wrong).rejects.toThrow(TypeError);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();

    await run((draft) => {
      draft[PROTO] = { x: 1 };
      draft["a"] = 1;
      // What was assigned is a value, not what the draft inherits from.
      expect("x" in draft).toBe(false);
    });
    const [row] = await nodes.database.rows<{ data: string }>(
      "select data from session where sessionId = ?",
      [id],
    );
    expect(JSON.parse(row?.data ?? "")).toEqual(own);
    expect(Object.hasOwn(JSON.parse(row?.data ?? ""), PROTO)).toBe(true);

    const again = (await node.connect(token)).session;
    expect([again.get(PROTO), again.has(PROTO)]).toEqual([{ x: 1 }, true]);
    await run((draft) => Object.assign(draft[PROTO] as object, { y: 2 }));
    await session.reload();
    expect(session.get(PROTO)).toEqual({ x: 1, y: 2 });
    expect(({} as { y?: number }).y).toBeUndefined();
    await run((draft) => delete draft[PROTO]);
    expect((await nodes.row(id))?.data).toEqual({ a: 1 });
    expect(session.has(PROTO)).toBe(false);
  });

  test("of an object that takes the draft's place is one too", async () => {
    const node = await nodes.node();
    const { socket, session } = await node.connect();
    await socket.withSession((context) => {
      context.session = JSON.parse('{"__proto__":{"x":1}}');
    });
    await session.reload();
    expect(session.get(PROTO)).toEqual({ x: 1 });
  });
});
