import { retry } from "../gateway/retry.js";
import type { SessionRegistry } from "./registry.js";

/**
 * Asks the store until it answers; closing waits for it. Errors: `SESSION_STORE_UNAVAILABLE`,
 * `SESSION_STORE_FAILED`, `SESSION_CLOSED`, those of `run`.
 */
export async function askStore<Result>(
  registry: SessionRegistry,
  run: () => Promise<Result>,
): Promise<Result> {
  registry.throwIfClosed();
  const { clock, storeTimeoutMs } = registry;
  return registry.track(() => retry(registry, clock.now() + storeTimeoutMs, run));
}
