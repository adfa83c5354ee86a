import type { Random } from "../world/random.js";
import type { Act, Settings } from "./plan.js";

/**
 * A page gets a new token while reads are late, and comes back with it by another network a moment later:
 * mostly to a node that does not know it yet.
 */
export function lateSecretsOf(random: Random, { devices }: Settings, atMs: number, acts: Act[]): void {
  const lagMs = random.pick([600, 1_200]);
  const page = { device: random.below(devices), tab: random.below(2) };
  const kind = random.pick(["login", "regenerate", "logout"] as const);
  acts.push({ do: "database weather", atMs: atMs - 300, forMs: 3_000, change: { lag: 1, lagMs } });
  acts.push({ do: "ask", kind, ...page, atMs });
  acts.push({ do: "change network", ...page, atMs: atMs + random.between(10, 900) });
}
