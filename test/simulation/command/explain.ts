import { planOf } from "../plan/generate.js";
import { run } from "../run.js";
import type { Programs } from "../world/programs.js";
import type { Arguments } from "./arguments.js";
import { shrink } from "./shrink.js";
import { storyOf } from "./tell.js";

/** Makes what was found in a seed as small as it gets, and tells it. `mutant`: in a product with that flaw. */
export async function explain(
  seed: number,
  { topics }: Pick<Arguments, "topics">,
  programs: Programs,
  mutant?: string,
): Promise<void> {
  const plan = planOf(seed, topics);
  const [first, again] = [await run(plan, programs), await run(plan, programs)];
  if (first.hash !== again.hash)
    return console.log(`seed ${seed} does not rerun exactly: the simulator is at fault`);
  const small = await shrink(plan, programs);
  console.log(`\nseed ${seed}, of ${plan.acts.length} acts ${small.acts.length} are left:\n`);
  console.log(await storyOf(small, programs));
  const story = mutant === undefined ? small : { mutant, ...small };
  console.log(`\nAs a story for test/simulation/stories:\n${JSON.stringify(story)}`);
}
