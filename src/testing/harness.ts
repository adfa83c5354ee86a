import type { SessionStore, StoreSettings, UnixSeconds } from "../store.js";

/**
 * What a test of a store brings along. The rows are its own: nothing else reads, writes or prunes them
 * meanwhile.
 */
export interface StoreHarness {
  /** A store opened with {@link contractSettings}. */
  readonly store: SessionStore;
  /** Changes times of a row behind the store's back, so that nothing has to wait for time to pass. */
  setTimes(
    sessionId: string,
    times: Partial<Record<"expires" | "createdAt" | "visitedAt", UnixSeconds>>,
  ): Promise<void>;
  /**
   * Makes what the store stands on unreachable, calls `run`, and makes it reachable again, also where `run`
   * rejects. Without it the cases about errors do nothing.
   */
  whileBroken?(run: () => Promise<void>): Promise<void>;
}

/** One rule of the store contract. */
export interface StoreCase {
  /** The rule, as the name of a test. */
  readonly name: string;
  /** Rejects with an `AssertionError` where the store breaks the rule. Cases run one after the other. */
  run(harness: StoreHarness): Promise<void>;
}

/** What the store under test is to be opened with. */
export const contractSettings: StoreSettings = Object.freeze({
  expiration: 3600,
  absoluteExpiration: 7200,
  touchEvery: 100,
  storeTimeout: 10,
  log: { error() {}, warn() {}, info() {}, debug() {} },
});
