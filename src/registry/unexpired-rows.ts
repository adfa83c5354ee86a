import type { SessionRow } from "../store.js";
import { isSessionId } from "../token/token.js";
import { askStore } from "./ask-store.js";
import type { SessionRegistry } from "./registry.js";

/** Rows read by one statement, at most. */
export const PAGE = 256;

/** Which rows, and how: those whose ids come after `after`, and before `before`. */
interface Range {
  readonly values?: boolean;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly limit?: number;
}

/**
 * The rows of all unexpired sessions, in the order of their ids, in pages that may be empty; with `values:
 * false` perhaps without their values. Errors: `SESSION_UNSUPPORTED` where the store keeps no list,
 * `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
 */
export async function* unexpiredRows(
  registry: SessionRegistry,
  { values = true, before, limit = PAGE, ...range }: Range = {},
): AsyncGenerator<SessionRow[]> {
  let { after } = range;
  for (;;) {
    const page = await askStore(registry, () => registry.store.list({ after, limit, values }));
    const isMeant = (id: string) => before === undefined || id < before;
    // The key of a row that the old package wrote is no id, but a token.
    yield page.filter(({ sessionId }) => isSessionId(sessionId) && isMeant(sessionId));
    after = page.at(-1)?.sessionId;
    if (page.length < limit || after === undefined || !isMeant(after)) return;
  }
}

/** How many sessions have not expired. Errors: as {@link unexpiredRows}. */
export function countUnexpiredRows(registry: SessionRegistry): Promise<number> {
  return askStore(registry, () => registry.store.count());
}
