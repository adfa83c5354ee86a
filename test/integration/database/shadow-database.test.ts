import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createPool, type Pool } from "mysql2";
import { newRevision } from "../../../src/row/writers.js";
import { MysqlStore } from "../../../src/stores/mysql/mysql-store.js";
import { attemptOn, newIdentity, newSession } from "../../../src/testing/fixtures.js";
import { contractSettings } from "../../../src/testing/index.js";
import { Random } from "../../simulation/world/random.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../../support/database/database.js";
import { ShadowDatabase } from "../../support/database/shadow-database.js";

// The simulator's database (docs/proofs.md) is worth what it has in common with the real ones: random
// statements of the store, on both.

const STEPS = 400;

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ ...poolOptions(database.url), connectionLimit: 1 });
});
afterAll(async () => {
  await new Promise((resolve) => pool.end(resolve));
  await database.drop();
});

test("the simulated database answers each statement as the real one does", async () => {
  const engine = process.env["TEST_DATABASE_ENGINE"] === "mysql" ? "mysql" : "mariadb";
  const shadow = new ShadowDatabase(engine);
  shadow.follow(pool);
  const store = new MysqlStore(pool, "session", contractSettings);
  const random = new Random(`${engine} 1`);
  const ids: string[] = [];
  const some = () => {
    const chosen = new Set(Array.from({ length: random.between(1, 5) }, () => random.pick(ids)));
    return [...chosen];
  };
  /** On the rows as they are, or on what they are not. */
  const attempts = async (wanted: readonly string[]) => {
    const rows = await store.load(wanted);
    return rows.map((row) => ({
      ...attemptOn(row, random.chance(0.3) ? { baseRevision: newRevision(row.revision) } : {}),
      ...(random.chance(0.2) && { identity: newIdentity({ userId: random.pick(["ada", "bob", "ÅSA "]) }) }),
      ...(random.chance(0.2) && { idleSeconds: random.pick([null, 10, 500]) }),
    }));
  };
  const operations: (() => Promise<unknown>)[] = [
    async () => {
      const sessions = Array.from({ length: random.between(1, 3) }, () =>
        newSession(random.chance(0.3) && ids.length > 0 ? { sessionId: random.pick(ids) } : {}),
      );
      ids.push(...sessions.map(({ sessionId }) => sessionId));
      await store.insert(sessions);
    },
    () => store.load(some()),
    () => store.loadRevisions(some()),
    async () => store.write(await attempts(some()), { mayWait: random.chance(0.5) }),
    async () => {
      const [attempt] = await attempts([random.pick(ids)]);
      if (attempt) await store.write([attempt], { mayWait: random.chance(0.5) });
    },
    () => store.touch(some(), { beginVisit: random.chance(0.5) }),
    () => store.delete([random.pick(ids)], random.pick([{}, { mayWait: false }, { onlyExpired: true }])),
    () => store.forUser(random.pick(["ada", "bob"])),
    () =>
      store.list({
        limit: random.between(1, 4),
        values: random.chance(0.5),
        after: random.pick(["", ...ids]),
      }),
    () => store.count(),
    () => store.prune({ expiredFor: random.pick([0, 3_600]), limit: random.between(1, 5) }),
    async () => {
      const time = shadow.time + random.pick([1, 50, 400, 2_000]);
      await new Promise<void>((resolve, reject) =>
        pool.query(`set timestamp = ${time}`, (error) => (error ? reject(error) : resolve())),
      );
      shadow.moveTo(time);
    },
  ];
  await operations[0]?.();
  for (let step = 0; step < STEPS; step++) await random.pick(operations)();
  expect(shadow.differences.slice(0, 2)).toEqual([]);
  expect(shadow.compared).toBeGreaterThan(STEPS);
});
