import type { Act, Plan } from "../plan/plan.js";
import { run } from "../run.js";
import type { Programs } from "../world/programs.js";

/** Leaves out acts, many at a time and then one by one, as long as the same kind of thing is found. */
export async function shrink(plan: Plan, programs: Programs, mostRuns = 600): Promise<Plan> {
  const kind = (await run(plan, programs)).findings[0]?.kind;
  let runs = 0;
  let best = plan;
  const isFound = async (acts: readonly Act[]) => {
    runs++;
    const { findings } = await run({ ...best, acts }, programs);
    return findings[0]?.kind === kind;
  };
  for (let size = Math.ceil(best.acts.length / 2); size >= 1 && runs < mostRuns; ) {
    let hasShrunk = false;
    for (let at = best.acts.length - size; at > -size && runs < mostRuns; at -= size) {
      const from = Math.max(0, at);
      const acts = [...best.acts.slice(0, from), ...best.acts.slice(at + size)];
      if (!(await isFound(acts))) continue;
      best = { ...best, acts };
      hasShrunk = true;
    }
    if (size > 1) size = Math.floor(size / 2);
    else if (!hasShrunk) break;
  }
  return best;
}
