import type { SimulatedProcess } from "../world/process.js";
import type { World } from "../world/world.js";

/**
 * `SESSION_STORE_FAILED` says that waiting mends nothing: it is told only where the database has refused a
 * statement, or who connects, for good.
 */
export function checkFailure(code: string, { effects, ledger }: Pick<World, "effects" | "ledger">): void {
  if (code !== "SESSION_STORE_FAILED") return;
  const hasRefused = [...effects.keys()].some((what) => /^error: (refused|may not connect)/.test(what));
  if (!hasRefused) ledger.findings.add("failed", "a change has failed for good, by a fault that passes");
}

/**
 * A change waits up to about `storeTimeout`, twice that behind another one, and as long again behind a read;
 * the time that its process stands still is none of it. Begins now; gives what is to be told its end.
 */
export function watchTime(
  what: string,
  process: SimulatedProcess,
  { ledger, settings }: Pick<World, "ledger" | "settings">,
): () => void {
  // Its clock runs on while it stands still, unless its machine sleeps.
  const nowMs = () => process.now() + process.sleptMs - process.stoodStillMs;
  const beganAtMs = nowMs();
  const mostMs = 3 * Number(settings.options["storeTimeout"]) * 1000 + 5_000;
  return () => {
    const tookMs = nowMs() - beganAtMs;
    if (tookMs > mostMs) ledger.findings.add("slow", `${what} has waited for ${tookMs} ms`);
  };
}
