import type { Clock } from "./clock.js";
import type { SessionRegistry } from "./sessions.js";
import type { Seconds } from "./store.js";

/**
 * Keeps live sessions alive: a connected socket counts as use, also when it only listens. Looks through them twice in every
 * `touchEvery`, with jitter so that nodes started together do not write together. Returns what stops it.
 */
export function startSweep(registry: SessionRegistry, clock: Clock, touchEvery: Seconds): () => void {
  let cancel = () => {};
  const next = () => {
    const delayMs = touchEvery * 1000 * (0.4 + Math.random() * 0.2);
    cancel = clock.after(delayMs, () => {
      void registry.touchDue(registry.live()).then(next);
    });
  };
  next();
  return () => cancel();
}
