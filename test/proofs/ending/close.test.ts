import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { createPool } from "mysql2/promise";
import { memoryStore, tokenSession } from "../../../src/index.js";
import { HandClock } from "../../support/clock.js";
import { poolOptions } from "../../support/database/database.js";
import { startProxy } from "../../support/database/proxy.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";

// sessions.close(): what is on its way is written or rejected, nothing new is taken, and nothing keeps the
// process alive.

const nodes = useNodes();

/** Whether a statement was still sent on a connection that was already lost is chance. */
const UNWRITTEN = ["SESSION_STORE_UNAVAILABLE", "SESSION_WRITE_UNCERTAIN"];

test("waits for every change on its way", async () => {
  const node = await nodes.node();
  const all = await Promise.all(Array.from({ length: 10 }, () => node.connect()));
  const changes = all.flatMap(({ session, socket }) => [
    session.set("a", 1),
    session.update((draft) => void Object.assign(draft, { b: 1 })),
    socket.withSession(({ session: draft }) => void Object.assign(draft, { c: 1 })),
  ]);
  const ends = Promise.all(changes.map(outcome));
  await node.sessions.close();
  const [{ n } = { n: -1 }] = await nodes.database.rows<{ n: number }>(
    `select count(*) as n from session where data like '%"b":1%' and sessionId in (?)`,
    [all.map(({ id }) => id)],
  );
  expect(n).toBe(10);
  // Handlers that had not begun are refused rather than forgotten.
  const outcomes = await ends;
  expect(outcomes.filter((each) => each !== "resolved" && each !== "SESSION_CLOSED")).toEqual([]);
  expect(outcomes.filter((_, at) => at % 3 < 2)).toEqual(Array.from({ length: 20 }, () => "resolved"));
});

test("refuses everything afterwards with SESSION_CLOSED; reading goes on, and the pool is the application's", async () => {
  const pool = createPool({ ...poolOptions(nodes.database.url), connectionLimit: 2 });
  const node = await nodes.node({ options: { db: pool } });
  const { session, socket, id } = await node.connect();
  await session.set("n", 1);
  await node.sessions.close();
  await node.sessions.close();
  const calls = [
    session.set("n", 2),
    session.delete("n"),
    session.clearSession(),
    session.update(() => {}),
    session.reload(),
    session.destroy(),
    socket.withSession(() => {}),
    node.sessions.find(id),
    node.sessions.destroy(id),
  ];
  expect(await Promise.all(calls.map(outcome))).toEqual(calls.map(() => "SESSION_CLOSED"));
  expect([session.get("n"), session.active]).toEqual([1, true]);
  expect((await nodes.row(id))?.data).toEqual({ n: 1 });
  const [[row]] = (await pool.query("select 1 as one")) as unknown as [[{ one: number }]];
  expect(row.one).toBe(1);
  await pool.end();
});

test("a handler that is still at work then saves nothing: SESSION_CLOSED", async () => {
  const node = await nodes.node();
  const { socket, id } = await node.connect();
  const { opened, open } = gate();
  const begun = gate();
  const change = socket.withSession(async ({ session }) => {
    begun.open();
    await opened;
    session["late"] = 1;
  });
  const end = (await node.connect()).socket.withSession(async (context) => {
    await opened;
    context.session = null;
  });
  await begun.opened;
  await node.sessions.close();
  open();
  expect([await outcome(change), await outcome(end)]).toEqual(["SESSION_CLOSED", "SESSION_CLOSED"]);
  expect((await nodes.row(id))?.data).toEqual({});
});

test("while the store is away: rejects what cannot be written, and ends", async () => {
  const node = await nodes.node({ options: { storeTimeout: 1 } });
  const { session } = await node.connect();
  await node.proxy.down();
  const set = outcome(session.set("n", 1));
  await node.sessions.close();
  expect(UNWRITTEN).toContain(await set);
});

test("stops every timer, whatever they were for", async () => {
  const clock = new HandClock();
  const sessions = tokenSession({ store: memoryStore({ clock }), clock, logger: false, idle: "events" });
  expect(clock.timers).toBeGreaterThan(0);
  await sessions.close();
  expect(clock.timers).toBe(0);
  // Nor does one come back with what was under way.
  clock.advance(10_000_000);
  expect(clock.timers).toBe(0);
});

test.each<[string, "up" | "down", string[]]>([
  ["", "up", ["resolved"]],
  [", also when the database is away meanwhile", "down", UNWRITTEN],
])("a process that has closed ends by itself%s", async (_, way, outcomes) => {
  const proxy = await startProxy(nodes.database.url);
  const program = fileURLToPath(new URL("../../support/processes/closing-program.js", import.meta.url));
  const child = fork(program, [], { execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let printed = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const ended = once(child, "exit");
  // A process that failed says why, and is not waited for.
  const message = () => Promise.race([once(child, "message"), ended.then(() => [printed])]);
  child.send({ database: poolOptions(proxy.through(nodes.database.url)), options: {} });
  const [begun] = (await message()) as [{ id: string; thrown: string }];
  expect(begun).toMatchObject({ thrown: "a listener's own" });
  if (way === "down") await proxy.down();
  child.send("go");
  const [{ last } = { last: "" }] = (await message()) as [{ last: string }?];
  expect(outcomes).toContain(last);
  expect(await ended).toEqual([0, null]);
  expect(printed).toBe("");
  expect((await nodes.row(begun.id))?.data).toEqual({ n: way === "up" ? 2 : 1 });
  await proxy.close();
});
