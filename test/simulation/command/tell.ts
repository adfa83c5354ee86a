import { readdirSync, readFileSync } from "node:fs";
import { MUTANTS } from "../mutants/list.js";
import { planOf } from "../plan/generate.js";
import type { Plan, Topic } from "../plan/plan.js";
import { run } from "../run.js";
import { bundles, type Programs, programsOf } from "../world/programs.js";

const STORIES = "test/simulation/stories";

/** What happened in a run: who, what, when. */
export async function storyOf(plan: Plan, programs: Programs): Promise<string> {
  const lines: string[] = [];
  const { findings, hash, events } = await run(plan, programs, (atMs, who, what) =>
    lines.push(`${(atMs / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(16)} ${what}`),
  );
  for (const { atMs, kind, text } of findings)
    lines.push(`${(atMs / 1000).toFixed(3).padStart(9)} s  !! ${kind}: ${text}`);
  lines.push(`${events} events, ${hash}; ${JSON.stringify(plan.settings)}`);
  return lines.join("\n");
}

/** `what`: a seed, or a file. */
export async function tellRun(what: string, topics: readonly Topic[]): Promise<number> {
  const programs = programsOf(await bundles());
  const plan = /^\d+$/.test(what)
    ? planOf(Number(what), topics)
    : (JSON.parse(readFileSync(what, "utf8")) as Plan);
  console.log(await storyOf(plan, programs));
  return 0;
}

/** What was found once. */
interface Story extends Plan {
  /** The product without the mend. */
  readonly mutant?: string;
}

/** Each story was found once, and must not be found again, but in a product without the mend. */
export async function runStories(): Promise<number> {
  const programs = programsOf(await bundles());
  let failed = 0;
  for (const file of readdirSync(STORIES).filter((name) => name.endsWith(".json"))) {
    const { mutant: name, ...plan }: Story = JSON.parse(readFileSync(`${STORIES}/${file}`, "utf8"));
    const [finding] = (await run(plan, programs)).findings;
    let what = finding ? `${finding.kind}: ${finding.text}` : "as it should be";
    if (finding) failed++;
    if (name !== undefined) {
      const mutant = MUTANTS.find((each) => each.name === name);
      const { findings } = await run(plan, programsOf(await bundles(mutant)));
      if (!mutant || findings.length === 0) failed++;
      what += `; without the mend ${findings[0]?.kind ?? "THE SAME"}`;
    }
    console.log(`${file}: ${what}`);
  }
  return failed > 0 ? 1 : 0;
}
