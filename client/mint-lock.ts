/**
 * Longest wait for another tab that is about to get the first token. Without the lock tabs still end up on
 * one session.
 */
const LONGEST_WAIT_MS = 3_000;

export const doNothing = async (): Promise<undefined> => {};

/** Lets the next one go on. */
export type Unlock = () => unknown;

/**
 * Waits until no other tab of this device is getting a first token. An optimisation: where there are no Web
 * Locks (old WebViews, pages without TLS), or one waits too long, it resolves all the same.
 */
export function mintLock(key: string): Promise<Unlock> {
  // Naming what a browser does not have throws, and so rejects.
  return new Promise<Unlock>((resolve, reject) => {
    navigator.locks
      .request(key, () => {
        clearTimeout(timer as number);
        // Who has given up lets the next one go on at once.
        return timer && new Promise<void>(resolve);
      })
      .catch(reject);
    let timer: unknown = setTimeout(() => {
      timer = 0;
      reject();
    }, LONGEST_WAIT_MS);
  }).catch(() => doNothing);
}
