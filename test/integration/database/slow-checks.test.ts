import { randomBytes } from "node:crypto";
import { afterAll, expect, test } from "@jest/globals";
import { createPool } from "mysql2";
import { toLog } from "../../../src/base/log.js";
import { MysqlStore } from "../../../src/stores/mysql/mysql-store.js";
import { createTestDatabase, poolOptions } from "../../support/database/database.js";
import { until } from "../../support/servers/nodes.js";

// The check of a new connection takes several statements, and on a slow way to the database longer than one
// call may.

const database = await createTestDatabase();
afterAll(() => database.drop());

const LAST = "show grants";

test("a check that takes longer than a call serves the next one, in place of another that takes as long", async () => {
  const pool = createPool({ ...poolOptions(database.url), connectionLimit: 2 });
  const made: unknown[] = [];
  const held: (() => void)[] = [];
  pool.on("connection", (connection) => {
    made.push(connection);
    const query = connection.query as (...args: unknown[]) => unknown;
    connection.query = ((...args: unknown[]) => {
      if (args[0] === LAST) held.push(() => query.apply(connection, args));
      else query.apply(connection, args);
    }) as never;
  });
  const store = new MysqlStore(pool, "session", {
    expiration: 1000,
    absoluteExpiration: 10_000,
    touchEvery: 40,
    storeTimeout: 1,
    log: toLog(false),
  });
  const load = () => store.load([randomBytes(16).toString("hex")]);

  await expect(load()).rejects.toMatchObject({ kind: "not-applied" });
  await until(async () => held.length > 0);
  const next = load();
  for (const send of held.splice(0)) send();
  expect(await next).toEqual([]);
  expect(made.length).toBe(1);

  // Nothing is kept for ever: a check that is never answered gives its place free.
  for (const connection of made as { destroy(): void }[]) connection.destroy();
  await expect(Promise.race([load(), load(), load()])).rejects.toMatchObject({ kind: "not-applied" });
  await until(async () => held.length > 0);
  await until(async () => {
    for (const send of held.splice(0)) send();
    return load().then(
      () => true,
      () => false,
    );
  });
  await new Promise((resolve) => pool.end(resolve));
});
