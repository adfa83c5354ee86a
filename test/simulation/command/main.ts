import { readArguments, usage } from "./arguments.js";
import { tryMutants } from "./mutants.js";
import { search } from "./search.js";
import { runStories, tellRun } from "./tell.js";
import { work } from "./worker.js";

/** Runs the command; gives its exit code. `self`: the file that a worker starts. */
export async function main(args: string[], self: string): Promise<number> {
  if (args[0] === "--help") {
    console.log(usage);
    return 0;
  }
  const given = readArguments(args);
  if (given.tell !== undefined) return tellRun(given.tell, given.topics);
  if (given.stories) return runStories();
  if (given.mutant !== undefined) return tryMutants(given.mutant, given, self);
  return search(given, self);
}

// A worker is this file again, in a process of its own.
if (process.env["SIMULATION_WORKER"] !== undefined) work();
