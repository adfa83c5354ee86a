import type { Act, Plan, Settings } from "../plan/plan.js";
import { run } from "../run.js";
import type { Programs } from "../world/programs.js";

/**
 * How many other orders of events are tried where a smaller plan does not show it in its own: more of them as
 * plans get smaller, because those are over sooner.
 */
const moreOrders = ({ acts }: Plan) => (acts.length > 60 ? 3 : 10);

/**
 * Makes a plan smaller, as long as the same kind of thing is found: whole devices first, then tabs, then many
 * acts at a time, then one by one; then simpler settings. What is left out moves the order of all that comes
 * after it, so each smaller plan is tried in a few orders.
 */
export async function shrink(plan: Plan, programs: Programs, mostRuns = 3_000): Promise<Plan> {
  const first = (await run(plan, programs)).findings[0];
  const kind = first?.kind;
  // What would come later has no part in it.
  let best: Plan = { ...plan, acts: plan.acts.filter(({ atMs }) => atMs <= (first?.atMs ?? 0)) };
  if ((await run(best, programs)).findings[0]?.kind !== kind) best = plan;
  let runs = 0;
  const seeds = [plan.seed];
  const isSmaller = async (change: Partial<Plan>) => {
    for (let order = 0; order <= moreOrders(best) && runs < mostRuns; order++) {
      // Once another order has shown it, that is the one to begin with.
      const seed = order === 0 ? best.seed : `${plan.seed}, order ${seeds.length}`;
      if (order > 0) seeds.push(seed);
      const smaller = { ...best, ...change, seed };
      runs++;
      const { findings } = await run(smaller, programs);
      if (findings[0]?.kind !== kind) continue;
      best = smaller;
      return true;
    }
    return false;
  };
  const without = (isLeftOut: (act: Act) => boolean) => {
    const acts = best.acts.filter((act) => !isLeftOut(act));
    return acts.length < best.acts.length ? isSmaller({ acts }) : false;
  };

  for (let device = 0; device < plan.settings.devices; device++) {
    if (await without((act) => "device" in act && act.device === device)) continue;
    for (let tab = 0; tab < 3; tab++)
      await without((act) => "tab" in act && act.device === device && act.tab === tab);
  }
  for (const what of new Set(plan.acts.map((act) => act.do))) await without((act) => act.do === what);
  await leaveOutRanges();
  for (const settings of simpler(best.settings))
    await isSmaller({ settings: { ...best.settings, ...settings } });
  await leaveOutRanges();
  return best;

  async function leaveOutRanges(): Promise<void> {
    for (let size = Math.ceil(best.acts.length / 2); size >= 1 && runs < mostRuns; ) {
      let hasShrunk = false;
      for (let at = best.acts.length - size; at > -size && runs < mostRuns; at -= size) {
        const range = new Set(best.acts.slice(Math.max(0, at), at + size));
        if (await without((act) => range.has(act))) hasShrunk = true;
      }
      if (size > 1) size = Math.floor(size / 2);
      else if (!hasShrunk) break;
    }
  }
}

/** Settings under which a story has less to explain. */
function simpler({ wrongByMs, options }: Settings): Partial<Settings>[] {
  const { expiration, storeTimeout } = options;
  return [
    { wrongByMs: wrongByMs.map(() => 0) },
    { options: { expiration, storeTimeout } },
    { hasBus: false },
    { connections: 4 },
  ];
}
