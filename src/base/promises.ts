/**
 * For what an application's function gave back where a promise was not asked for: nobody waits for it, and
 * were it rejected, that would end the process.
 */
export function ignoreRejection(result: unknown): void {
  if (isThenable(result)) result.then(undefined, nothing);
}

export function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof (result as PromiseLike<unknown> | null | undefined)?.then === "function";
}

function nothing(): void {}
