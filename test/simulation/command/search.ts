import { bundles, programsOf } from "../world/programs.js";
import type { Arguments } from "./arguments.js";
import { explain } from "./explain.js";
import { Report } from "./report.js";
import { type Done, runSeeds } from "./worker.js";

/**
 * Runs seeds until something is found, or all are done; then says how often each kind of fault took effect.
 */
export async function search(given: Arguments, self: string): Promise<number> {
  const texts = await bundles();
  const report = new Report(given.seeds);
  report.say(`seeds from ${given.from}, of ${given.topics.join(", ")}`);
  const found: Done[] = [];
  await runSeeds({ texts, topics: given.topics, twice: given.twice }, { ...given, self }, (done) => {
    report.add(done);
    if (done.findings.length > 0) {
      found.push(done);
      report.say(`seed ${done.seed}: ${done.findings[0]?.kind}: ${done.findings[0]?.text}`);
    }
    return given.all || found.length === 0;
  });
  report.end();
  const [first] = found.sort((one, other) => one.seed - other.seed);
  if (!first) return 0;
  await explain(first.seed, given, programsOf(texts));
  return 1;
}
