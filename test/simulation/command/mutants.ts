import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { MUTANTS, type TriedMutant } from "../mutants/list.js";
import { planOf } from "../plan/generate.js";
import { run } from "../run.js";
import { bundles, programsOf } from "../world/programs.js";
import type { Arguments } from "./arguments.js";
import { explain } from "./explain.js";
import { type Done, runSeeds } from "./worker.js";

/** What came of trying one: `caughtBy` is what was found, in which seed. */
interface Tried {
  readonly mutant: string;
  readonly file: string;
  readonly seeds: number;
  readonly caughtBy?: { readonly seed: number; readonly kind: string; readonly text: string };
}

/**
 * Runs seeds on each mutant until it is caught, and says how many it took; the same as JSON beside the
 * simulator. Fails where one is not caught.
 */
export async function tryMutants(name: string, given: Arguments, self: string): Promise<number> {
  const chosen = MUTANTS.filter((each) => each.name.includes(name));
  if (chosen.length === 0) throw new Error(`no mutant has "${name}" in its name`);
  const all: Tried[] = [];
  for (const mutant of chosen) {
    const tried = await tryOne(mutant, given, self);
    all.push(tried);
    const { seeds, caughtBy } = tried;
    const how = caughtBy
      ? `caught after ${seeds} seeds, by ${caughtBy.seed}: ${caughtBy.kind}`
      : `NOT caught in ${seeds} seeds`;
    console.log(`${mutant.name.padEnd(80)} ${how}`);
    write(path.join(path.dirname(self), "mutants.json"), all);
  }
  const escaped = all.filter(({ caughtBy }) => !caughtBy);
  console.log(`${all.length - escaped.length} of ${all.length} are caught`);
  return escaped.length > 0 ? 1 : 0;
}

async function tryOne(mutant: TriedMutant, given: Arguments, self: string): Promise<Tried> {
  const texts = await bundles(mutant);
  const topics = mutant.topics ?? given.topics;
  const sound = programsOf(await bundles());
  let seeds = 0;
  let caught: Done | undefined;
  const task = { texts, topics, twice: false };
  for (let from = given.from; !caught && seeds < given.seeds; ) {
    let met: Done | undefined;
    await runSeeds(task, { ...given, from, seeds: given.seeds - seeds, self }, (done) => {
      seeds++;
      if (done.findings.length > 0) met = done;
      return !met;
    });
    if (!met) break;
    // What is found in the product as it is too says nothing of the mutant.
    const { findings } = await run(planOf(met.seed, topics), sound);
    if (findings[0]?.kind !== met.findings[0]?.kind) caught = met;
    from = met.seed + 1;
  }
  const finding = caught?.findings[0];
  // A mutant that the simulator does not understand has shown nothing.
  const seed = caught?.seed ?? 0;
  const isFound = finding && finding.kind !== "simulator";
  if (finding && !isFound) console.log(`seed ${seed}: ${finding.text}`);
  const { name, file } = mutant;
  if (isFound && given.explain) await explain(seed, task, programsOf(texts), name);
  return {
    mutant: name,
    file,
    seeds,
    ...(isFound && { caughtBy: { seed, kind: finding.kind, text: finding.text.slice(0, 200) } }),
  };
}

function write(file: string, all: readonly Tried[]): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
}
