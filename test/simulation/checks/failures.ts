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
