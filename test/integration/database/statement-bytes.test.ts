import { randomBytes } from "node:crypto";
import { afterEach, expect, test } from "@jest/globals";
import { createPool } from "mysql2";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { tokenSession } from "../../../src/index.js";
import { MAX_STATEMENT_BYTES } from "../../../src/row/entry-bytes.js";
import { poolOptions } from "../../support/database/database.js";
import { useOwnDatabases } from "../../support/database/own-database.js";

// How long statements get: never longer than 1 MiB, nor than the server takes (`max_allowed_packet`), as far
// as one row allows.

const { databases } = useOwnDatabases(1);
const own = () => databases[0] as (typeof databases)[number];
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Token sessions on a pool that tells how long each statement on the table was, in bytes of SQL text. */
async function measured(packetBytes: number) {
  await own().pool.query("delete from session");
  await own().pool.query(`set global max_allowed_packet = ${packetBytes}`);
  const pool = createPool({ ...poolOptions(own().url), connectionLimit: 4 });
  const lengths: number[] = [];
  const made: unknown[] = [];
  pool.on("connection", (connection) => {
    made.push(connection);
    const query = connection.query as (...args: unknown[]) => { sql?: string };
    connection.query = ((...args: unknown[]) => {
      const command = query.apply(connection, args);
      if (/^(insert|update)/.test(String(args[0]))) lengths.push(Buffer.byteLength(command.sql ?? ""));
      return command;
    }) as never;
  });
  const sessions = tokenSession({ db: pool, logger: false, maxBytes: 1_048_576 });
  ends.push(
    () => new Promise((resolve) => pool.end(resolve)),
    () => sessions.close(),
  );
  return { sessions, store: new ConnectStore(sessions), lengths, made };
}

const cookie = { originalMaxAge: 3_600_000, httpOnly: true, path: "/" } as never;
const newId = () => randomBytes(24).toString("base64url");
/** Each character is escaped twice: by JSON, and in the statement. */
const quotes = (bytes: number) => '"'.repeat(bytes / 4);

async function rows(): Promise<number> {
  const [[row]] = (await own().pool.query("select count(*) as count from session")) as unknown as [
    [{ count: number }],
  ];
  return row.count;
}

test("first saves of many long sessions go out in statements of 1 MiB", async () => {
  const { store, lengths } = await measured(16 * 1_048_576);
  const cart = quotes(120_000);
  await Promise.all(Array.from({ length: 60 }, () => store.set(newId(), { cookie, cart } as never)));
  expect(await rows()).toBe(60);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_STATEMENT_BYTES);
  expect(Math.max(...lengths)).toBeGreaterThan(MAX_STATEMENT_BYTES / 2);
});

test("so do changes of many long sessions, counted in bytes of the statement, not in characters", async () => {
  const { store, sessions, lengths } = await measured(16 * 1_048_576);
  const ids = Array.from({ length: 40 }, newId);
  await Promise.all(ids.map((id) => store.set(id, { cookie } as never)));
  const handles = await Promise.all(ids.map((id) => sessions.find(store.idOf(id))));
  lengths.length = 0;
  await Promise.all(handles.map((handle) => handle?.set("text", "€".repeat(20_000))));
  expect(lengths.length).toBeGreaterThan(1);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_STATEMENT_BYTES);
});

test("a server that takes less gets less, and every save arrives", async () => {
  const packetBytes = 65_536;
  const { store, lengths } = await measured(packetBytes);
  const cart = quotes(24_000);
  await Promise.all(Array.from({ length: 30 }, () => store.set(newId(), { cookie, cart } as never)));
  expect(await rows()).toBe(30);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(packetBytes);
});

test("a row that the server does not take is refused before it is sent, alone, and costs no connection", async () => {
  const { store, sessions, lengths, made } = await measured(65_536);
  const carts = [quotes(400), quotes(80_000), quotes(24_000)];
  const results = await Promise.allSettled(
    carts.map((cart) => store.set(newId(), { cookie, cart } as never)),
  );
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(results[1]).toMatchObject({ reason: { code: "SESSION_STORE_FAILED" } });
  expect(String((results[1] as PromiseRejectedResult).reason.message)).toContain(
    "max_allowed_packet is 65536",
  );

  const id = newId();
  await store.set(id, { cookie } as never);
  const handle = await sessions.find(store.idOf(id));
  await expect(handle?.set("cart", quotes(80_000))).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
  await handle?.set("cart", quotes(400));
  expect(await rows()).toBe(3);
  const { length } = made;
  for (let n = 0; n < 10; n++)
    await expect(handle?.set("cart", quotes(80_000))).rejects.toMatchObject({ code: "SESSION_STORE_FAILED" });
  expect(made.length).toBe(length);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(65_536);
});
