// A store of one's own, and the contract run on it by node:test.
import { test } from "node:test";
import {
  type NewSession,
  type SessionRow,
  type SessionStore,
  type StoreFactory,
  StoreFault,
  tokenSession,
  type WriteAttempt,
} from "socket.io-token-session";
import {
  contractSettings,
  type StoreCase,
  type StoreHarness,
  storeContract,
} from "socket.io-token-session/testing";

class MyStore implements SessionStore {
  async load(_sessionIds: readonly string[]): Promise<SessionRow[]> {
    throw new StoreFault("not-applied", "ECONNREFUSED");
  }
  async insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]> {
    return sessions.map(() => null);
  }
  async write(attempts: readonly WriteAttempt[]): Promise<boolean[]> {
    return attempts.map(({ baseRevision, revision }) => baseRevision === revision);
  }
  async touch(_sessionIds: readonly string[], _options: { beginVisit: boolean }): Promise<string[]> {
    return [];
  }
  async delete(_sessionIds: readonly string[]): Promise<void> {}
}

const myStore: StoreFactory = (settings) => {
  settings.log.info({ code: "READY" }, `sessions live ${settings.expiration} seconds`);
  return new MyStore();
};
tokenSession({ store: myStore });

const harness: StoreHarness = {
  store: myStore(contractSettings),
  async setTimes(sessionId, { expires, createdAt, visitedAt }) {
    console.log(sessionId, expires, createdAt, visitedAt);
  },
  async whileBroken(run) {
    await run();
  },
};
for (const { name, run } of storeContract) test(name, () => run(harness));

export const first: StoreCase | undefined = storeContract[0];
// @ts-expect-error a store without `write`
export const partial: SessionStore = { load: async () => [], insert: async () => [], touch: async () => [] };
// @ts-expect-error there is no such kind of fault
new StoreFault("perhaps", "?");
