import { MUTANTS } from "../mutants/list.js";
import { bundles } from "../world/programs.js";
import type { Arguments } from "./arguments.js";
import { type Done, runSeeds } from "./worker.js";

/** Runs seeds on each mutant until it is caught; says how many seeds it took. Fails where one is not. */
export async function tryMutants(name: string, given: Arguments, self: string): Promise<number> {
  let escaped = 0;
  for (const mutant of MUTANTS.filter((each) => each.name.includes(name))) {
    const texts = await bundles(mutant);
    let seeds = 0;
    let caught: Done | undefined;
    await runSeeds(
      { texts, topics: mutant.topics ?? given.topics, gaps: given.gaps, twice: false },
      { ...given, self },
      (done) => {
        seeds++;
        if (done.findings.length > 0) caught = done;
        return !caught;
      },
    );
    const finding = caught?.findings[0];
    // A mutant that the simulator does not understand has shown nothing.
    if (!finding || finding.kind === "simulator") escaped++;
    const how = finding
      ? `caught after ${seeds} seeds, by ${caught?.seed}: ${finding.kind}`
      : `NOT caught in ${seeds} seeds`;
    console.log(`${mutant.name.padEnd(60)} ${how}`);
  }
  return escaped > 0 ? 1 : 0;
}
