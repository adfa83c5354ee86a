import { SessionError, toSessionError } from "../errors.js";
import type { EndReason } from "../wire.js";
import type { SessionRegistry } from "./registry.js";

/**
 * Ends several sessions, and waits for all of them, also where some fail. Errors: where surely none has
 * ended, as of {@link SessionRegistry.destroy}; where some may have, `SESSION_WRITE_UNCERTAIN`, which says
 * how many have not.
 */
export async function destroyAll(
  registry: SessionRegistry,
  sessionIds: readonly string[],
  reason: EndReason = "destroyed",
): Promise<void> {
  const settled = await Promise.allSettled(sessionIds.map((id) => registry.destroy(id, reason)));
  const failed = settled.flatMap((each) => (each.status === "rejected" ? [toSessionError(each.reason)] : []));
  const [first] = failed;
  if (!first) return;
  const uncertain = failed.some(({ code }) => code === "SESSION_WRITE_UNCERTAIN");
  if (failed.length === sessionIds.length && !uncertain) throw first;
  const detail = `${failed.length} of ${sessionIds.length} sessions may not have ended (${first.code})`;
  throw new SessionError("SESSION_WRITE_UNCERTAIN", detail, { cause: first });
}

/**
 * The same, page by page. A page that cannot be read after others have ended is `SESSION_WRITE_UNCERTAIN`
 * too.
 */
export async function destroyPages(
  registry: SessionRegistry,
  pages: AsyncIterable<readonly { readonly sessionId: string }[]>,
): Promise<void> {
  let ended = 0;
  const iterator = pages[Symbol.asyncIterator]();
  for (;;) {
    const page = await orUncertain(ended, () => iterator.next());
    if (page.done) return;
    const ids = page.value.map(({ sessionId }) => sessionId);
    await orUncertain(ended, () => destroyAll(registry, ids));
    ended += ids.length;
  }
}

/** Runs what may fail after so many sessions have ended: then nobody may take it for "nothing was done". */
export async function orUncertain<Result>(ended: number, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    const first = toSessionError(error);
    if (ended === 0 || first.code === "SESSION_WRITE_UNCERTAIN") throw first;
    throw new SessionError("SESSION_WRITE_UNCERTAIN", `${ended} sessions have ended (${first.code})`, {
      cause: first,
    });
  }
}
