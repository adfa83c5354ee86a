import { describe, expect, test } from "@jest/globals";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Live sessions end on time, by the database's clock. Rows are aged by hand; how long things take is tested
// with a clock that is moved by hand (test/unit/registry/expiry.test.ts).

const nodes = useNodes();

/** What is left to a session by the database's clock, in seconds. */
async function secondsLeft(id: string): Promise<number> {
  const [row] = await nodes.database.rows<{ seconds: number }>(
    "select cast(expires as signed) - unix_timestamp() as seconds from session where sessionId = ?",
    [id],
  );
  return row?.seconds ?? Number.NEGATIVE_INFINITY;
}

async function leave(id: string, seconds: number): Promise<void> {
  await nodes.database.pool.query("update session set expires = unix_timestamp() + ? where sessionId = ?", [
    seconds,
    id,
  ]);
}

test("absolute: the client is told, cut, and gets a fresh session; the row stays for whoever looks into it", async () => {
  const node = await nodes.node({ options: { absoluteExpiration: 2, touchEvery: 1 } });
  const { session, client, token, id } = await node.connect();
  await session.set("n", 1);
  const [event, told, cut] = [
    next(node.sessions, "sessionEnd"),
    next(client, "sessionEnd"),
    next(client, "disconnect"),
  ];
  expect(await event).toEqual([{ sessionId: id, reason: "expired" }]);
  expect(await secondsLeft(id)).toBeLessThanOrEqual(0);
  expect(await told).toEqual([{ reason: "expired" }]);
  expect((await cut)[0]).toBe("io server disconnect");
  expect(session.active).toBe(false);
  expect(await outcome(session.set("n", 2))).toBe("SESSION_ENDED");
  expect((await nodes.row(id))?.data).toEqual({ n: 1 });

  expect(await node.sessions.find(id)).toBeUndefined();
  const again = await gotToken(node.client({ auth: { token } }));
  expect(again).toMatchObject({ errors: "Session Expired", created: true });
  expect(again.token.slice(0, 32)).not.toBe(id);
});

test("expired in the database while connected: noticed by comparing", async () => {
  const node = await nodes.node({ options: { revalidate: 1 } });
  const { session, client, id } = await node.connect();
  const bystander = await node.connect();
  const told = next(client, "sessionEnd");
  await leave(id, 0);
  expect(await told).toEqual([{ reason: "expired" }]);
  expect(session.active).toBe(false);
  expect([bystander.session.active, bystander.client.connected]).toEqual([true, true]);
});

test("expired in the database: the next write finds out, and its client is told", async () => {
  const node = await nodes.node();
  const { session, client, id } = await node.connect();
  await session.set("n", 1);
  await leave(id, 0);
  const told = next(client, "sessionEnd");
  expect(await outcome(session.set("n", 2))).toBe("SESSION_ENDED");
  expect(await told).toEqual([{ reason: "expired" }]);
  expect((await nodes.row(id))?.data).toEqual({ n: 1 });
});

test("a connected app that only listens is kept alive", async () => {
  const node = await nodes.node({ options: { expiration: 60, touchEvery: 1 } });
  const { session, client, id } = await node.connect();
  await leave(id, 3);
  await session.reload();
  await until(async () => (await secondsLeft(id)) > 50);
  expect([session.active, client.connected]).toEqual([true, true]);
});

describe('idle: "events"', () => {
  const options = { idle: "events" as const, expiration: 60, touchEvery: 1, revalidate: 1 };

  test("cuts a client that only listens, and none that sends", async () => {
    const node = await nodes.node({
      options,
      handlers: (io) => io.on("connection", (socket) => socket.on("hello", (done: () => void) => done())),
    });
    const quiet = await node.connect();
    const busy = await node.connect();
    const told = next(quiet.client, "sessionEnd");
    for (const { id, session } of [quiet, busy]) {
      await leave(id, 3);
      await session.reload();
    }
    await ask(busy.client, "hello");
    await until(async () => (await secondsLeft(busy.id)) > 50);
    expect(await told).toEqual([{ reason: "expired" }]);
    expect([busy.session.active, busy.client.connected]).toEqual([true, true]);
  });

  test("what the server itself does is no use", async () => {
    const node = await nodes.node({ options });
    const { session, client, id } = await node.connect();
    const told = next(client, "sessionEnd");
    await leave(id, 3);
    await session.reload();
    await session.set("n", 1);
    client.on("news", () => {});
    node.io.emit("news");
    expect(await told).toEqual([{ reason: "expired" }]);
    expect(await secondsLeft(id)).toBeLessThanOrEqual(0);
  });
});
