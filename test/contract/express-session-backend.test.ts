import { afterAll, beforeAll, describe } from "@jest/globals";
import { MemoryStore } from "express-session";
import { fromConnectStore } from "../../src/stores/express-session-backend/from-connect-store.js";
import type { ConnectStoreLike } from "../../src/stores/express-session-backend/store-like.js";
import { contractSettings, type StoreHarness } from "../../src/testing/index.js";
import { type DatabaseProxy, startProxy } from "../support/database/proxy.js";
import { describeWithRedis, redisUrl } from "../support/redis/redis.js";
import { changeRow, type RedisBackend, redisBackend } from "../support/stores/express-session-backend.js";
import { runContract } from "./run-contract.js";

// The whole contract on stores of express-session. What they cannot do (lists) they have no method for.

function harnessOn(store: ConnectStoreLike): StoreHarness {
  return {
    store: fromConnectStore(store)(contractSettings),
    setTimes: (sessionId, times) => changeRow(store, sessionId, times),
  };
}

describe("MemoryStore of express-session", () => {
  const harness = harnessOn(new MemoryStore());
  runContract(() => harness);
});

describeWithRedis("connect-redis", () => {
  let proxy: DatabaseProxy;
  let redis: RedisBackend;
  let harness: StoreHarness;
  beforeAll(async () => {
    proxy = await startProxy(redisUrl());
    redis = await redisBackend(proxy.through(redisUrl()), { waits: false });
    harness = {
      ...harnessOn(redis.store),
      async whileBroken(run) {
        const lost = redis.noticesLoss();
        await proxy.down();
        await lost;
        try {
          await run();
        } finally {
          await proxy.up();
          await redis.ready();
        }
      },
    };
  });
  afterAll(async () => {
    await redis.close();
    await proxy.close();
  });
  runContract(() => harness);
});
