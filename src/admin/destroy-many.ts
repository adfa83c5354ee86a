import { complete, type OptionsOf, optional, optionalFunction } from "../base/option-table.js";
import { askStore } from "../registry/ask-store.js";
import { destroyAll, orUncertain } from "../registry/destroy-all.js";
import type { SessionRegistry } from "../registry/registry.js";
import { toDestroyFilter } from "./filter.js";
import { type ListedSession, openHere, selectSessions } from "./select.js";

/** How far {@link Administration.destroyMany} has come. */
export interface DestroyProgress {
  /** Sessions that have ended so far. */
  readonly ended: number;
}

/** What {@link Administration.destroyMany} takes besides its filter. */
export interface DestroyManyOptions {
  /**
   * Called after each step of up to 256 sessions; the next step waits for the promise that it may return.
   * What it throws stops the work and comes out. @default none
   */
  onProgress?: ((progress: DestroyProgress) => unknown) | undefined;
  /** Stops the work before its next step, which then rejects with the signal's reason. @default none */
  signal?: AbortSignal | undefined;
}

const options = {
  onProgress: optionalFunction<NonNullable<DestroyManyOptions["onProgress"]>>("a function"),
  signal: optional((value): value is AbortSignal => value instanceof AbortSignal, "an AbortSignal"),
} satisfies OptionsOf<DestroyManyOptions>;

/**
 * Ends the sessions that a filter means, step by step; resolves to how many. Those that begin meanwhile are
 * left alone: else the clients of the ended ones, which get new ones, would never come to an end.
 */
export async function destroyMany(
  registry: SessionRegistry,
  givenFilter: unknown,
  given: DestroyManyOptions = {},
): Promise<number> {
  const filter = toDestroyFilter(givenFilter);
  const { onProgress, signal } = complete(options, given, "destroyMany: ");
  signal?.throwIfAborted();
  await askStore(registry, () => registry.store.ensureClock());
  const startedAt = Math.floor(registry.store.nowMs / 1000);
  let ended = 0;
  const end = async (sessions: readonly ListedSession[]) => {
    const ids = sessions.filter(({ createdAt }) => createdAt <= startedAt).map(({ sessionId }) => sessionId);
    if (ids.length === 0) return;
    await orUncertain(ended, () => destroyAll(registry, ids, "revoked"));
    ended += ids.length;
    await onProgress?.({ ended });
    signal?.throwIfAborted();
  };
  const pages = selectSessions(registry, filter);
  for (;;) {
    const page = await orUncertain(ended, () => pages.next());
    if (page.done) break;
    await end(page.value);
  }
  // Logged in since their page was read, or on a node of the database that it has not come through to.
  if (filter.live === undefined) await end(openHere(registry, filter));
  return ended;
}
