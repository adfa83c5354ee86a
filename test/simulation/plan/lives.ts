import { Random } from "../world/random.js";
import type { Act, Plan } from "./plan.js";

/** What is no fault, and keeps nobody from using a session. */
const CALM: readonly Act["do"][] = ["open", "change", "ask", "delete expired rows"];

/** Whether nothing goes wrong in a plan: then a session that a page is connected with does not expire. */
export function isCalm({ acts }: Pick<Plan, "acts">): boolean {
  return acts.every((act) => CALM.includes(act.do));
}

/** In some runs sessions live so briefly that they expire, are touched and are deleted within the run. */
export function withLives(plan: Plan, seed: number): Plan {
  const random = new Random(`lives ${seed}`);
  if (random.chance(0.7)) return plan;
  const expiration = random.pick([10, 20, 40]);
  const options = {
    ...plan.settings.options,
    expiration,
    touchEvery: random.pick([1, Math.floor(expiration / 4)]),
    ...(random.chance(0.3) ? { idle: "events" } : {}),
    ...(random.chance(0.3) ? { absoluteExpiration: random.pick([15, 40, 80]) } : {}),
  };
  const deletes = Array.from({ length: random.below(3) }, () => ({
    do: "delete expired rows" as const,
    atMs: random.between(10_000, plan.endMs),
  }));
  const acts = random.chance(0.25) ? plan.acts.filter((act) => CALM.includes(act.do)) : plan.acts;
  return {
    ...plan,
    settings: { ...plan.settings, options },
    acts: [...acts, ...deletes].sort((one, other) => one.atMs - other.atMs),
  };
}
