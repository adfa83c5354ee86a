import { promiseHooks } from "node:v8";

/**
 * Runs a call of somebody else's, and gives the promises that it made before it returned. Adapters drop the
 * promise of what they send (`pubClient.publish(…)`, without a `catch`): where Redis is away it is rejected,
 * and ends a process that would have sent nothing without us. There is no way to those promises but to see
 * them being made: the streams adapter keeps its client private, and the client is the application's, whose
 * own messages are to fail as they always do. So none of these can be an unhandled rejection. Only promises
 * of this one call are seen: it is over when it returns. What it makes later is as if we had not looked.
 */
export function capturePromises(call: () => void): readonly Promise<unknown>[] {
  const made: Promise<unknown>[] = [];
  // Experimental in Node: a version without it leaves things as they were.
  const stop = promiseHooks?.onInit((promise) => {
    made.push(promise);
  }) as (() => void) | undefined;
  try {
    call();
  } finally {
    stop?.();
    for (const promise of made) promise.then(undefined, nothing);
  }
  return made;
}

function nothing(): void {}
