import { expect, test } from "@jest/globals";
import { useNodes } from "../../support/servers/nodes.js";
import { forcedWidth } from "../../support/stores/crowded-store.js";

// Several sessions in one statement, on a real database: what concerns one of them must not concern the
// others.

const nodes = useNodes();

async function connected(count: number) {
  const node = await nodes.node();
  const opened = [];
  for (let n = 0; n < count; n++) opened.push(await node.connect());
  return { node, opened };
}

test("a row that somebody has locked holds up no other session, however often they write", async () => {
  const { node, opened } = await connected(20);
  const [locked, ...others] = opened;
  if (!locked) throw new Error("nothing was opened");
  const lock = await nodes.lock(locked.id);
  let isWritten = false;
  const waiting = locked.session.set("n", "late").then(() => {
    isWritten = true;
  });
  for (let round = 0; round < 10; round++)
    await Promise.all(others.map(({ session }, n) => session.set("n", `${n} ${round}`)));
  expect(isWritten).toBe(false);
  // So do opening and beginning.
  await node.connect(others[0]?.token);
  await node.connect();
  await lock.release();
  await waiting;
  expect((await nodes.row(locked.id))?.data).toEqual({ n: "late" });
  for (const [n, { id }] of others.entries()) expect((await nodes.row(id))?.data).toEqual({ n: `${n} 9` });
});

test("several locked rows leave a way for all others", async () => {
  const { opened } = await connected(12);
  const [locked, others] = [opened.slice(0, 3), opened.slice(3)];
  const locks = [];
  for (const { id } of locked) locks.push(await nodes.lock(id));
  const waiting = locked.map(({ session }) => session.set("n", "late"));
  for (let round = 0; round < 5; round++) for (const { session } of others) await session.set("n", round);
  await Promise.all(others.map(({ session }) => session.set("n", "together")));
  for (const lock of locks) await lock.release();
  await Promise.all(waiting);
  for (const { id } of locked) expect((await nodes.row(id))?.data).toEqual({ n: "late" });
  for (const { id } of others) expect((await nodes.row(id))?.data).toEqual({ n: "together" });
});

test("a locked row that is written and one that is deleted leave a way for all others", async () => {
  const node = await nodes.node({ options: { storeTimeout: 200 } });
  const written = await node.connect();
  const deleted = await node.connect();
  const others = [await node.connect(), await node.connect()] as const;
  const locks = [await nodes.lock(written.id), await nodes.lock(deleted.id)];
  let isAnswered = false;
  node.proxy.watchAnswers(written.id, () => {
    isAnswered = true;
    return false;
  });
  const sentWrite = node.proxy.passed(written.id);
  const waiting: Promise<unknown>[] = [written.session.set("n", "late")];
  await sentWrite;
  const sentDelete = node.proxy.passed("delete");
  waiting.push(deleted.session.destroy());
  await sentDelete;
  await others[0].session.set("n", 1);
  await node.connect(others[0].token);
  await others[1].session.destroy();
  expect((await nodes.row(others[0].id))?.data).toEqual({ n: 1 });
  expect(await nodes.row(others[1].id)).toBeUndefined();
  // Nor had the server given up the lock by then. (A statement made wide passes over locked rows, and is
  // answered at once.)
  expect(isAnswered).toBe(forcedWidth > 0);
  for (const lock of locks) await lock.release();
  await Promise.all(waiting);
  expect((await nodes.row(written.id))?.data).toEqual({ n: "late" });
  expect(await nodes.row(deleted.id)).toBeUndefined();
});

test("a write that the database refuses fails alone", async () => {
  const { opened } = await connected(10);
  await nodes.database.pool.query(
    "alter table session add constraint unpoisoned check (data not like '%poison%')",
  );
  try {
    // In one turn of the event loop, so in one statement.
    const results = await Promise.allSettled(
      opened.map(({ session }, n) => session.set("n", n === 4 ? "poison" : n)),
    );
    expect(results.map(({ status }) => status)).toEqual(
      opened.map((_, n) => (n === 4 ? "rejected" : "fulfilled")),
    );
    expect(results[4]).toMatchObject({ reason: { code: "SESSION_STORE_FAILED" } });
    for (const [n, { id, session }] of opened.entries()) {
      expect((await nodes.row(id))?.data).toEqual(n === 4 ? {} : { n });
      expect(session.get("n")).toBe(n === 4 ? "" : n);
    }
  } finally {
    await nodes.database.pool.query("alter table session drop constraint unpoisoned");
  }
});

test("rows that others wrote meanwhile are written on top of that, in one statement with those that nobody wrote", async () => {
  const { opened } = await connected(10);
  const moved = opened.filter((_, n) => n % 3 === 0);
  await nodes.database.pool.query(
    `update session set data = '{"theirs":1}', revision = revision + 1 where sessionId in (?)`,
    [moved.map(({ id }) => id)],
  );
  await Promise.all(opened.map(({ session }, n) => session.set("n", n)));
  for (const [n, opening] of opened.entries())
    expect((await nodes.row(opening.id))?.data).toEqual(moved.includes(opening) ? { theirs: 1, n } : { n });
});

test("sessions that end while they are written with others end, and the others are written", async () => {
  const { opened } = await connected(9);
  const gone = opened.filter((_, n) => n % 3 === 1);
  await nodes.database.pool.query("delete from session where sessionId in (?)", [gone.map(({ id }) => id)]);
  const results = await Promise.allSettled(opened.map(({ session }, n) => session.set("n", n)));
  for (const [n, result] of results.entries()) {
    const opening = opened[n];
    if (!opening) throw new Error("no such opening");
    if (gone.includes(opening)) {
      expect(result).toMatchObject({ reason: { code: "SESSION_ENDED" } });
      expect(await nodes.row(opening.id)).toBeUndefined();
    } else expect((await nodes.row(opening.id))?.data).toEqual({ n });
  }
});

test("rows of one and the same revision, as something else may have made them, are not mixed up", async () => {
  const { node, opened } = await connected(8);
  await nodes.database.pool.query("update session set revision = 0 where sessionId in (?)", [
    opened.map(({ id }) => id),
  ]);
  for (const { session } of opened) await session.reload();
  await Promise.all(opened.map(({ session }, n) => session.set("own", n)));
  await node.close();
  for (const [n, { id }] of opened.entries()) expect((await nodes.row(id))?.data).toEqual({ own: n });
});
