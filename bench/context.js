// @ts-check
// What a goal is given, and what it gives back.
import { fileURLToPath } from "node:url";
import { startProgram } from "./program.js";
import { cookieSecret } from "./sessions.js";

/** @typedef {import("./program.js").Program} Program */
/** @typedef {"bare" | "floor" | "ours" | "old" | "old-durable" | "express"} ContenderName */
/** @typedef {Program & { name: ContenderName, port: number }} Contender */
/** @typedef {{ args?: string[], execArgv?: string[], env?: Record<string, string> }} ProgramOptions */
/**
 * @typedef {object} Figure
 * @property {string} label
 * @property {number} value in `unit`
 * @property {string} unit "%" and "×" are written behind the number without a space
 * @property {[number, number]} [spread] least and greatest of the rounds
 * @property {string} [wanted] "≥ 90 %"; none for what is told for information only
 * @property {boolean} [reached] is needed where something is wanted
 */
/** @typedef {{ figures: Figure[], details?: unknown }} Result `details` go into the JSON file as they are */
/**
 * @typedef {object} Goal
 * @property {string} name as `--only` has it
 * @property {string} title
 * @property {(context: Context) => Promise<Result>} run
 */
/**
 * @typedef {object} Context
 * @property {import("./database.js").BenchDatabase} database
 * @property {boolean} quick whether a look is enough: everything small and short
 * @property {number} rounds
 * @property {boolean} profile whether Node is to write a CPU profile of each of our servers
 * @property {(line: string) => void} say
 * @property {(name: ContenderName, options?: ContenderOptions) => Promise<Contender>} startContender a server
 * that listens
 * @property {(options?: ProgramOptions) => Program} startDriver a load program: driver.js has the questions
 * @property {(file: string | URL, options?: ProgramOptions) => Program} startProgram any other program
 */
/**
 * @typedef {Pick<Context, "database" | "quick" | "rounds" | "profile" | "say">} Given what does not depend on
 * the goal
 */
/**
 * @typedef {object} ContenderOptions
 * @property {number} [poolSize] 10 unless said
 * @property {Record<string, unknown>} [options] of the contender itself: for "ours" those of `tokenSession`
 * @property {ProgramOptions} [program]
 */

const profiling = ["--cpu-prof", `--cpu-prof-dir=${fileURLToPath(new URL("results", import.meta.url))}`];

/**
 * Runs a goal; whatever it has started is stopped when it is over.
 * @param {Goal} goal
 * @param {Given} given
 * @returns {Promise<Result>}
 */
export async function runGoal(goal, given) {
  /** @type {Program[]} */
  const started = [];
  /** @type {Context["startProgram"]} */
  const start = (file, options) => {
    const program = startProgram(file, options);
    started.push(program);
    return program;
  };
  try {
    return await goal.run({
      ...given,
      startProgram: start,
      startDriver: (options) => start(new URL("driver.js", import.meta.url), options),
      async startContender(name, { poolSize = 10, options = {}, program: how = {} } = {}) {
        const execArgv = [...(how.execArgv ?? []), ...(given.profile && name === "ours" ? profiling : [])];
        const program = start(new URL(`contenders/${name}.js`, import.meta.url), { ...how, execArgv });
        const databaseUrl = given.database.urlFor(name);
        const { port } = await program.ask("start", {
          databaseUrl,
          poolSize,
          options: name === "express" ? { secret: cookieSecret, ...options } : options,
        });
        return { ...program, name, port };
      },
    });
  } finally {
    await Promise.all(started.map((program) => program.stop()));
  }
}
