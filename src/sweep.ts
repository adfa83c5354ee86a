import type { Clock } from "./clock.js";
import type { SessionRegistry } from "./sessions.js";
import type { Seconds } from "./store.js";

/** Node fires a timer of more than 2^31 - 1 milliseconds at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Keeps live sessions alive: a connected socket counts as use, also when it only listens. Looks through them twice in every
 * `touchEvery`, with jitter so that nodes started together do not write together. Returns what stops it.
 */
export function startSweep(registry: SessionRegistry, clock: Clock, touchEvery: Seconds): () => void {
  let cancel = () => {};
  let stopped = false;
  const next = () => {
    if (stopped) return;
    const delayMs = Math.min(touchEvery * 1000 * (0.4 + Math.random() * 0.2), LONGEST_TIMER_MS);
    cancel = clock.after(delayMs, () => {
      void registry.touchDue(registry.live(), { beginVisit: false }).then(next);
    });
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}
