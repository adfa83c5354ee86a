import { retry } from "../gateway/retry.js";
import type { SessionRow } from "../store.js";
import { isSessionId } from "../token/token.js";
import type { SessionRegistry } from "./registry.js";

/** Rows read by one statement. */
const PAGE = 256;

/**
 * The rows of all unexpired sessions, in pages; with `values: false` perhaps without their values. Errors:
 * `SESSION_UNSUPPORTED` where the store keeps no list, `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`,
 * `SESSION_CLOSED`.
 */
export async function* unexpiredRows(
  registry: SessionRegistry,
  { values = true } = {},
): AsyncGenerator<SessionRow[]> {
  let after: string | undefined;
  let page: SessionRow[];
  do {
    page = await askStore(registry, () => registry.store.list({ after, limit: PAGE, values }));
    // The key of a row that the old package wrote is no id, but a token.
    yield page.filter(({ sessionId }) => isSessionId(sessionId));
    after = page.at(-1)?.sessionId;
  } while (page.length === PAGE);
}

/** How many sessions have not expired. Errors: as {@link unexpiredRows}. */
export function countUnexpiredRows(registry: SessionRegistry): Promise<number> {
  return askStore(registry, () => registry.store.count());
}

async function askStore<Result>(registry: SessionRegistry, run: () => Promise<Result>): Promise<Result> {
  registry.throwIfClosed();
  const { clock, storeTimeoutMs } = registry;
  return registry.track(() => retry(registry, clock.now() + storeTimeoutMs, run));
}
