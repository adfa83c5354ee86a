import { afterAll, beforeAll, describe } from "@jest/globals";
import { createPool, type Pool } from "mysql2/promise";
import type { SessionStore } from "../../src/store.js";
import { MemoryStore } from "../../src/stores/memory.js";
import { MysqlStore } from "../../src/stores/mysql/mysql-store.js";
import { contractSettings } from "../../src/testing/index.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../support/database/database.js";
import { type DatabaseProxy, startProxy } from "../support/database/proxy.js";
import { runContract } from "./run-contract.js";

describe("memory", () => {
  const store = new MemoryStore(contractSettings);
  runContract(() => ({
    store,
    async setTimes(sessionId, times) {
      store.setTimes(sessionId, times);
    },
  }));
});

describe("MySQL", () => {
  let database: TestDatabase;
  let proxy: DatabaseProxy;
  let pool: Pool;
  let store: SessionStore;
  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await startProxy(database.url);
    pool = createPool(poolOptions(proxy.through(database.url)));
    store = new MysqlStore(pool, "session", contractSettings);
  });
  afterAll(async () => {
    await pool.end();
    await proxy.close();
    await database.drop();
  });
  runContract(() => ({
    store,
    async setTimes(sessionId, times) {
      await database.pool.query("update session set ? where sessionId = ?", [times, sessionId]);
    },
    async whileBroken(run) {
      await proxy.down();
      try {
        await run();
      } finally {
        await proxy.up();
      }
    },
  }));
});
