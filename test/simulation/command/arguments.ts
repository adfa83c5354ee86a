import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { TOPICS, type Topic } from "../plan/plan.js";

export interface Arguments {
  readonly seeds: number;
  /** Begins no more of them after that; `Infinity` unless said. */
  readonly seconds: number;
  readonly from: number;
  readonly topics: readonly Topic[];
  readonly workers: number;
  /** Goes on after something was found. */
  readonly all: boolean;
  /** A seed, or a file of test/simulation/stories, that is told from beginning to end. */
  readonly tell: string | undefined;
  /** Runs each seed twice: both runs have to be the same. */
  readonly twice: boolean;
  readonly stories: boolean;
  /** Makes what is found of a mutant small, and tells it. */
  readonly explain: boolean;
  /** Which mutants, by a piece of their name; `""` for all. */
  readonly mutant: string | undefined;
}

export const usage = `npm run simulate -- [options]
  --seeds 2000              how many
  --seconds 60              begins no more after that time
  --from 0                  the first one; "random" for any
  --only writes,rotation    what the runs are about: ${TOPICS.join(", ")}
  --workers 2               processes; as many as there are cores unless said
  --all                     goes on after something was found
  --twice                   runs each seed twice: both runs have to be the same
  --tell 17                 tells the run of a seed, or of a file, from beginning to end
  --stories                 runs the files of test/simulation/stories, in which something was found once
  --mutant name             tries the simulator itself: runs seeds until each mutant with that in its name is caught
  --explain                 with --mutant: tells, as short as it gets, what is found; a story that fails without a mend
  --mutants                 tries all of them; what came of each is in .cache/simulation/mutants.json too`;

/** Throws at what it does not know. */
export function readArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: "string" },
      seconds: { type: "string" },
      from: { type: "string", default: "0" },
      only: { type: "string" },
      workers: { type: "string", default: String(availableParallelism()) },
      all: { type: "boolean", default: false },
      tell: { type: "string" },
      twice: { type: "boolean", default: false },
      stories: { type: "boolean", default: false },
      explain: { type: "boolean", default: false },
      mutant: { type: "string" },
      mutants: { type: "boolean", default: false },
    },
  });
  const mutant = values.mutant ?? (values.mutants ? "" : undefined);
  const topics = (values.only?.split(",") ?? TOPICS) as Topic[];
  for (const topic of topics)
    if (!TOPICS.includes(topic)) throw new Error(`--only: ${topic} is none of ${TOPICS.join(", ")}.`);
  const from = values.from === "random" ? Math.floor(Math.random() * 1e9) : Number(values.from);
  const seconds = Number(values.seconds ?? Infinity);
  const isLong = mutant !== undefined || values.seconds !== undefined;
  const seeds = Number(values.seeds ?? (isLong ? 20_000 : 2_000));
  const workers = Number(values.workers);
  for (const [name, value] of Object.entries({ seeds, from, workers }))
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} has to be a whole number.`);
  if (!(seconds > 0)) throw new Error("--seconds has to be a number above 0.");
  const { all, tell, twice, stories, explain } = values;
  return { seeds, seconds, from, topics, workers, all, tell, twice, stories, explain, mutant };
}
