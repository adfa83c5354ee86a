import { type SessionRow, type SessionStore, StoreFault, type WriteAttempt } from "../../../src/store.js";
import { MemoryStore } from "../../../src/stores/memory.js";
import { contractSettings, type StoreHarness, storeContract } from "../../../src/testing/index.js";
import { HandClock } from "../../support/clock.js";

/** A store that a test may break; the optional methods are there too. */
export type WholeStore = SessionStore &
  Required<Pick<SessionStore, "loadRevisions" | "prune" | "forUser" | "list" | "count" | "stats">>;

/** What a broken store does otherwise than the sound one. */
export type Break = (sound: WholeStore, setTimes: StoreHarness["setTimes"]) => Partial<SessionStore>;

/** A store that breaks one rule, and the cases of the contract that find it. */
export interface BrokenStore {
  /** What it does wrong. */
  readonly name: string;
  readonly breakIt: Break;
  /** The cases that fail, all of them. */
  readonly caught: readonly string[];
}

/** A sound store in memory that can be made unreachable, with one break on top. Its clock stands still. */
export function brokenMemory(breakIt: Break = () => ({})): StoreHarness {
  const rows = new MemoryStore(contractSettings, new HandClock());
  let away = false;
  const setTimes: StoreHarness["setTimes"] = async (id, times) => rows.setTimes(id, times);
  const sound = delegating(rows, async () => {
    if (away) throw new StoreFault("not-applied", "away");
  });
  return {
    store: { ...sound, ...breakIt(sound, setTimes) },
    setTimes,
    async whileBroken(run) {
      away = true;
      try {
        await run();
      } finally {
        away = false;
      }
    },
  };
}

/** A store of plain functions, of which some can be replaced. */
export function delegating(store: WholeStore, before: () => Promise<void> = async () => {}): WholeStore {
  return {
    load: (ids) => before().then(() => store.load(ids)),
    insert: (sessions) => before().then(() => store.insert(sessions)),
    write: (attempts, options) => before().then(() => store.write(attempts, options)),
    touch: (ids, options) => before().then(() => store.touch(ids, options)),
    delete: (ids) => before().then(() => store.delete(ids)),
    forUser: (userId, page) => before().then(() => store.forUser(userId, page)),
    list: (options) => before().then(() => store.list(options)),
    count: () => before().then(() => store.count()),
    stats: () => before().then(() => store.stats()),
    loadRevisions: (ids) => before().then(() => store.loadRevisions(ids)),
    prune: (options) => before().then(() => store.prune(options)),
    now: () => store.now?.() ?? 0,
  };
}

/** Names of the cases that a store does not pass, of all or of these. */
export async function failedCases(harness: StoreHarness, names?: readonly string[]): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of storeContract) {
    if (names && !names.includes(name)) continue;
    try {
      await run(harness);
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

/** The row as it is now, for a broken store's own purposes. */
export async function rowOf(store: WholeStore, id: string): Promise<SessionRow | undefined> {
  return (await store.load([id]))[0];
}

/** Attempts changed so that they meet the row as it is now: reads first, writes then. */
export async function onWhatIsThere(
  store: WholeStore,
  attempts: readonly WriteAttempt[],
): Promise<WriteAttempt[]> {
  const rows = await store.load(attempts.map(({ sessionId }) => sessionId));
  const revisions = new Map(rows.map(({ sessionId, revision }) => [sessionId, revision]));
  return attempts.map((attempt) => ({
    ...attempt,
    baseRevision: revisions.get(attempt.sessionId) ?? attempt.baseRevision,
  }));
}
