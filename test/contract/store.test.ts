import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createPool, type Pool } from "mysql2/promise";
import type { SessionStore, StoreSettings } from "../../src/store.js";
import { MemoryStore } from "../../src/stores/memory.js";
import { MysqlStore } from "../../src/stores/mysql.js";
import { contractSettings, type StoreHarness, storeContract } from "../../src/testing/store-contract.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../support/database.js";
import { keptLog } from "../support/log.js";

const settings: StoreSettings = { ...contractSettings, log: keptLog() };

describe("memory", () => {
  const store = new MemoryStore(settings);
  runContract(() => ({
    store,
    async setTimes(sessionId, times) {
      store.setTimes(sessionId, times);
    },
  }));
});

describe("MySQL", () => {
  let database: TestDatabase;
  let pool: Pool;
  let store: SessionStore;
  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool(poolOptions(database.url));
    store = new MysqlStore(pool, "session", settings);
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  runContract(() => ({
    store,
    async setTimes(sessionId, times) {
      await database.pool.query("update session set ? where sessionId = ?", [times, sessionId]);
    },
  }));
});

function runContract(harness: () => StoreHarness): void {
  test.each(storeContract.map((each) => [each.name, each] as const))("%s", async (_, each) => {
    await expect(each.run(harness())).resolves.toBeUndefined();
  });
}
