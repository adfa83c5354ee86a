import type { Clock } from "./clock.js";

/**
 * Waits for `work` for at most `limitMs` milliseconds of `clock`, and then goes by `whenLate`, which throws
 * or gives an answer in its place. Work cannot be stopped: what becomes of it later is ignored, an error too.
 */
export async function withTimeLimit<Result, Late = never>(
  { clock, limitMs, whenLate }: { clock: Clock; limitMs: number; whenLate: () => Late },
  work: () => PromiseLike<Result> | Result,
): Promise<Result | Late> {
  let cancel = () => {};
  const late = new Promise<Late>((resolve, reject) => {
    cancel = clock.after(limitMs, () => {
      try {
        resolve(whenLate());
      } catch (error) {
        reject(error);
      }
    });
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    cancel();
  }
}
