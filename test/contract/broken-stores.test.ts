import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createPool, type Pool } from "mysql2/promise";
import { MysqlStore } from "../../src/stores/mysql/mysql-store.js";
import { contractSettings, type StoreHarness, storeContract } from "../../src/testing/index.js";
import { createTestDatabase, poolOptions, type TestDatabase } from "../support/database/database.js";
import { brokenDeletes } from "./broken/delete.js";
import { brokenUsers } from "./broken/for-user.js";
import { type Break, type BrokenStore, brokenMemory, delegating, failedCases } from "./broken/harness.js";
import { brokenIdentities } from "./broken/identity.js";
import { brokenIdleSeconds } from "./broken/idle-seconds.js";
import { brokenInserts } from "./broken/insert.js";
import { brokenLists } from "./broken/list.js";
import { brokenLoads, brokenRevisions } from "./broken/load.js";
import { brokenOnSql } from "./broken/mysql.js";
import { otherBreaks, sharesObjects, swallowsErrors } from "./broken/other.js";
import { brokenPrunes } from "./broken/prune.js";
import { brokenStats } from "./broken/stats.js";
import { brokenTouches } from "./broken/touch.js";
import { brokenWrites } from "./broken/write.js";

const brokenStores: readonly BrokenStore[] = [
  ...brokenLoads,
  ...brokenRevisions,
  ...brokenInserts,
  ...brokenWrites,
  ...brokenIdentities,
  ...brokenIdleSeconds,
  ...brokenTouches,
  ...brokenDeletes,
  ...brokenPrunes,
  ...brokenUsers,
  ...brokenLists,
  ...brokenStats,
  ...sharesObjects,
  ...swallowsErrors,
  ...otherBreaks,
];

test("a store that breaks nothing passes all cases", async () => {
  expect(await failedCases(brokenMemory())).toEqual([]);
});

describe("a store that breaks one rule is caught, by the cases of that rule and no others", () => {
  test.each(brokenStores.map((broken) => [broken.name, broken] as const))(
    "%s",
    async (_, { breakIt, caught }) => {
      expect((await failedCases(brokenMemory(breakIt))).sort()).toEqual([...caught].sort());
    },
  );
});

describe("on a real database", () => {
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    database = await createTestDatabase();
    pool = createPool(poolOptions(database.url));
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });
  const harness = (breakIt: Break): StoreHarness => {
    const sound = delegating(new MysqlStore(pool, "session", contractSettings));
    const setTimes: StoreHarness["setTimes"] = async (id, times) => {
      await database.pool.query("update session set ? where sessionId = ?", [times, id]);
    };
    return { store: { ...sound, ...breakIt(sound, setTimes) }, setTimes };
  };

  test("a store that breaks nothing passes all cases", async () => {
    expect(await failedCases(harness(() => ({})))).toEqual([]);
  });

  describe("a mistake that a store on SQL is likely to make is caught", () => {
    // Only by the cases that it must be caught by: each of them takes statements on a server.
    test.each(brokenOnSql)("%s", async (_, breakIt, caught) => {
      expect((await failedCases(harness(breakIt(pool)), caught)).sort()).toEqual([...caught].sort());
    });
  });
});

test("no case is there that nothing has shown to catch anything", () => {
  const proven = new Set(brokenStores.flatMap(({ caught }) => caught));
  expect(storeContract.map(({ name }) => name).filter((name) => !proven.has(name))).toEqual([]);
});
