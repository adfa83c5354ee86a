/** Longest wait for another tab that is about to get the first token. Without the lock tabs still end up on one session. */
const LONGEST_WAIT_MS = 3_000;

export const nothing = async () => {};

/**
 * Waits until no other tab of this device is getting a first token; gives what lets the next one go on. An optimisation: where
 * there are no Web Locks (old WebViews, pages without TLS), or one waits too long, it resolves all the same.
 */
export function mintLock(key: string): Promise<() => unknown> {
  return new Promise((resolve) => {
    // Asynchronous, because naming what a browser does not have throws.
    const request = async () =>
      navigator.locks.request(
        key,
        { signal: AbortSignal.timeout(LONGEST_WAIT_MS) },
        () => new Promise<void>(resolve),
      );
    request().catch(() => resolve(nothing));
  });
}
