import { planOf } from "../plan/generate.js";
import { run } from "../run.js";
import { bundles, programsOf } from "../world/programs.js";
import type { Arguments } from "./arguments.js";
import { Report } from "./report.js";
import { shrink } from "./shrink.js";
import { storyOf } from "./tell.js";
import { type Done, runSeeds } from "./worker.js";

/**
 * Runs seeds until something is found, or all are done; then says how often each kind of fault took effect.
 */
export async function search(given: Arguments, self: string): Promise<number> {
  const texts = await bundles();
  const report = new Report(given.seeds);
  report.say(`seeds from ${given.from}, of ${given.topics.join(", ")}`);
  const found: Done[] = [];
  await runSeeds(
    { texts, topics: given.topics, gaps: given.gaps, twice: given.twice },
    { ...given, self },
    (done) => {
      report.add(done);
      if (done.findings.length > 0) {
        found.push(done);
        report.say(`seed ${done.seed}: ${done.findings[0]?.kind}: ${done.findings[0]?.text}`);
      }
      return given.all || found.length === 0;
    },
  );
  report.end();
  const [first] = found.sort((one, other) => one.seed - other.seed);
  if (!first) return 0;
  await explain(first.seed, given, programsOf(texts));
  return 1;
}

async function explain(
  seed: number,
  { topics, gaps }: Arguments,
  programs: ReturnType<typeof programsOf>,
): Promise<void> {
  const plan = planOf(seed, topics, { gaps });
  const [first, again] = [await run(plan, programs), await run(plan, programs)];
  if (first.hash !== again.hash)
    return console.log(`seed ${seed} does not rerun exactly: the simulator is at fault`);
  const small = await shrink(plan, programs);
  console.log(`\nseed ${seed}, of ${plan.acts.length} acts ${small.acts.length} are left:\n`);
  console.log(await storyOf(small, programs));
  console.log(`\nAs a story for test/simulation/stories:\n${JSON.stringify(small)}`);
}
