import { type ChildProcess, fork } from "node:child_process";
import { planOf } from "../plan/generate.js";
import type { Topic } from "../plan/plan.js";
import { type Outcome, run } from "../run.js";
import { programsOf } from "../world/programs.js";
import type { Arguments } from "./arguments.js";

/** What a worker is given first. */
export interface Task {
  readonly texts: { server: string; client: string };
  readonly topics: readonly Topic[];
  readonly twice: boolean;
}

/** What it answers for each seed. */
export interface Done extends Omit<Outcome, "effects"> {
  readonly seed: number;
  readonly effects: readonly string[];
}

/** The worker's part: runs seeds as they come. */
export function work(): void {
  let task: (Task & { programs: ReturnType<typeof programsOf> }) | undefined;
  process.once("disconnect", () => process.exit());
  process.on("message", async (message: Task | { seeds: number[] }) => {
    if ("texts" in message) task = { ...message, programs: programsOf(message.texts) };
    else if (task) {
      for (const seed of message.seeds) {
        const { effects, ...outcome } = await run(planOf(seed, task.topics), task.programs);
        if (task.twice) {
          const { hash } = await run(planOf(seed, task.topics), task.programs);
          const finding = { kind: "simulator", text: "it does not rerun exactly", atMs: 0 };
          if (hash !== outcome.hash) Object.assign(outcome, { findings: [finding] });
        }
        process.send?.({ ...outcome, seed, effects: [...effects.keys()] } satisfies Done);
      }
    }
  });
}

interface Bounds extends Pick<Arguments, "from" | "seeds" | "seconds" | "workers"> {
  /** The file that a worker starts. */
  readonly self: string;
}

/** Runs seeds in several processes, until `seconds` have passed. `hear` is told of each run, and answers whether to go on. */
export async function runSeeds(
  task: Task,
  { from, seeds, seconds, workers, self }: Bounds,
  hear: (done: Done) => boolean,
): Promise<void> {
  let next = from;
  const endAt = performance.now() + seconds * 1000;
  const isLeft = () => next < from + seeds && performance.now() < endAt;
  let isStopped = false;
  const children: ChildProcess[] = [];
  const ended = Array.from({ length: Math.min(workers, seeds) }, () => {
    const child = fork(self, { env: { ...process.env, SIMULATION_WORKER: "1" } });
    children.push(child);
    let left = 0;
    const give = () => {
      const some: number[] = [];
      while (some.length < 20 && isLeft()) some.push(next++);
      left = some.length;
      if (left > 0) child.send({ seeds: some });
      else child.disconnect();
    };
    child.send(task);
    child.on("message", (done: Done) => {
      if (isStopped) return;
      if (!hear(done)) {
        isStopped = true;
        for (const each of children) each.kill();
      } else if (--left === 0) give();
    });
    give();
    return new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => {
        if (code && !isStopped) reject(new Error(`a worker ended with ${code}`));
        else resolve();
      });
    });
  });
  await Promise.all(ended);
}
