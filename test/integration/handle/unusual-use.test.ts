import { describe, expect, test } from "@jest/globals";
import { gate, type Node, outcome, useNodes } from "../../support/servers/nodes.js";
import { type Connected, liveIds, serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Handles in situations that an application meets rarely: kept beyond the life of their socket, used in the
// wrong place.

const nodes = useNodes();

const takeAway = "delete from session where sessionId = ?";

async function leave({ client, socket }: Connected): Promise<void> {
  const gone = next(socket, "disconnect");
  client.disconnect();
  await gone;
}

/** Lets rejections that nobody handles come up, which fails the test by itself. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function lonely(node: Node) {
  const client = node.client();
  await next(client, "connect");
  return serverSideOf(node.io, client);
}

describe("a handler still at work for a socket that has gone, while its client is coming back", () => {
  /** The first socket has gone; the session is being opened again, and its row is not here yet. */
  async function comeBack() {
    const node = await nodes.node();
    const first = await node.connect();
    await first.session.set({ cart: ["x"], name: "n" });
    await leave(first);
    expect(liveIds(node.sessions)).not.toContain(first.id);
    const held = node.proxy.hold("coalesce(data");
    const client = node.client({ auth: { token: first.token } });
    const received = gotToken(client);
    const reading = await held;
    expect(liveIds(node.sessions)).toContain(first.id);
    return {
      ...first,
      async arrive() {
        await reading.release();
        await received;
        return serverSideOf(node.io, client).session;
      },
    };
  }

  test("get shows the values, and update runs on them", async () => {
    const { session, id, arrive } = await comeBack();
    const { createdAt } = session;
    const updated = session.update((draft) => (draft["cart"] as string[]).push("y"));
    const expected = { cart: ["x", "y"], name: "n" };
    expect(session.toJSON()).toEqual(expected);
    expect([session.createdAt, createdAt > 0]).toEqual([createdAt, true]);
    const again = await arrive();
    expect(await updated).toBe(2);
    expect(again.toJSON()).toEqual(expected);
    expect((await nodes.row(id))?.data).toEqual(expected);
    // From now on both are the same.
    await again.set("name", "m");
    expect(session.get("name")).toBe("m");
  });

  test("its set keeps all else in sight, and so does withSession", async () => {
    const { session, socket, id, arrive } = await comeBack();
    const set = session.set("late", 1);
    expect(session.toJSON()).toEqual({ cart: ["x"], name: "n", late: 1 });
    const handled = socket.withSession(({ session: draft }) => Object.keys(draft).sort());
    await arrive();
    await set;
    expect(await handled).toEqual(["cart", "late", "name"]);
    expect((await nodes.row(id))?.data).toEqual({ cart: ["x"], name: "n", late: 1 });
  });
});

describe("calls that nobody waits for make no unhandled rejection", () => {
  const calls = ({ session, withSession }: Pick<Connected["socket"], "session" | "withSession">) => [
    () => void session.destroy(),
    () => void session.reload(),
    () => void session.set("n", 1),
    () => void session.delete("n"),
    () => void session.clearSession(),
    () => void session.update(() => 1),
    () => void withSession(() => 1),
  ];

  test.each<[string, string, (node: Node) => Promise<Connected["socket"]>]>([
    ["without a session", "SESSION_MISSING", lonely],
    [
      "after close()",
      "SESSION_CLOSED",
      async (node) => {
        const { socket } = await node.connect();
        await node.sessions.close();
        return socket;
      },
    ],
  ])("%s", async (_, code, open) => {
    const node = await nodes.node();
    const socket = await open(node);
    const told: string[] = [];
    node.sessions.on("error", (error) => told.push(error.code));
    const all = calls({ session: socket.session, withSession: socket.withSession.bind(socket) });
    for (const call of all) call();
    await turn();
    await turn();
    expect(told).toEqual(all.map(() => code));
  });

  test("nor withSession of a namespace without token sessions that is waited for later", async () => {
    const node = await nodes.node({ handlers: (io) => void io.of("/plain") });
    const opened = next(node.io.of("/plain"), "connection");
    node.client().io.socket("/plain");
    const [socket] = (await opened) as [Connected["socket"]];
    await expect(socket.withSession(() => 1)).rejects.toMatchObject({ code: "SESSION_NOT_ATTACHED" });
  });
});

test("a change made inside update's function is refused with SESSION_UPDATE_FAILED, each time it runs, and changes nothing", async () => {
  const node = await nodes.node();
  const { session, id } = await node.connect();
  await session.set("n", 1);
  const inner: Promise<string>[] = [];
  await session.update((draft) => {
    draft["n"] = 2;
    inner.push(outcome(session.set("x", 1)), outcome(session.update(() => 1)));
    inner.push(outcome(session.delete("n")), outcome(session.clearSession()));
  });
  const outcomes = await Promise.all(inner);
  expect(outcomes.length).toBeGreaterThanOrEqual(4);
  expect(new Set(outcomes)).toEqual(new Set(["SESSION_UPDATE_FAILED"]));
  expect(session.toJSON()).toEqual({ n: 2 });
  expect((await nodes.row(id))?.data).toEqual({ n: 2 });
  // That is over with the function.
  await session.set("x", 1);
  expect((await nodes.row(id))?.data).toEqual({ n: 2, x: 1 });
});

test("reload() of a session whose row is gone rejects with SESSION_ENDED, the first time too", async () => {
  const node = await nodes.node();
  const { session, client, id } = await node.connect();
  const other = await node.connect();
  await leave(other);
  const found = await node.sessions.find(other.id);
  await nodes.database.pool.query(takeAway, [id]);
  await nodes.database.pool.query(takeAway, [other.id]);
  const told = next(client, "sessionEnd");
  expect(await Promise.all([session, found].map((each) => outcome(each?.reload() ?? told)))).toEqual([
    "SESSION_ENDED",
    "SESSION_ENDED",
  ]);
  expect([session.active, found?.active]).toEqual([false, false]);
  expect(await told).toEqual([{ reason: "destroyed" }]);
  expect(await outcome(session.reload())).toBe("SESSION_ENDED");
});

test("what an application brings about is logged as a warning, what the store does as an error", async () => {
  const node = await nodes.node({ options: { storeTimeout: 1, maxBytes: 100 } });
  const levelsOf = (code: string) =>
    new Set(node.log.lines.filter((line) => line["code"] === code).map(({ level }) => level));
  const { session, socket, id } = await node.connect();

  const { opened, open } = gate();
  const begun = gate();
  const conflict = socket.withSession(async ({ session: draft }) => {
    begun.open();
    await opened;
    draft["n"] = 1;
  });
  await begun.opened;
  await session.set("n", 2);
  open();
  const wrong: [string, Promise<unknown>][] = [
    ["SESSION_CONFLICT", conflict],
    ["SESSION_MISSING", (await lonely(node)).session.set("n", 1)],
    ["SESSION_MISSING", (await lonely(node)).withSession(() => 1)],
    ["SESSION_VALUE_INVALID", session.set("n", 1n as never)],
    ["SESSION_TOO_LARGE", session.set("n", "x".repeat(200))],
    ["SESSION_UPDATE_FAILED", session.update(async () => 1)],
  ];
  for (const [code, promise] of wrong) expect(await outcome(promise)).toBe(code);
  for (const [code] of wrong) expect([code, ...levelsOf(code)]).toEqual([code, "warn"]);

  await node.proxy.down();
  const away = await outcome(session.set("n", 3));
  expect(["SESSION_STORE_UNAVAILABLE", "SESSION_WRITE_UNCERTAIN"]).toContain(away);
  expect([...levelsOf(away)]).toEqual(["error"]);
  await node.proxy.up();

  await nodes.database.pool.query(takeAway, [id]);
  expect(await outcome(session.set("n", 4))).toBe("SESSION_ENDED");
  expect([...levelsOf("SESSION_ENDED")]).toEqual(["warn"]);
});
