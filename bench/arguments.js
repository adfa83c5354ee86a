// @ts-check
import { parseArgs } from "node:util";

/** @typedef {import("../scripts/servers/database-server.js").Engine} Engine */
/**
 * @typedef {object} Arguments
 * @property {boolean} quick
 * @property {boolean} write
 * @property {boolean} profile
 * @property {Engine[]} engines
 * @property {string[]} [only]
 * @property {number} rounds
 */

export const usage = `npm run bench -- [options]
  --quick                   a look in under two minutes: everything small and short, no figure to quote
  --engine mariadb|mysql    one of the two; both unless said
  --only resume,set         some of the goals
  --rounds 5                how often each thing is measured
  --profile                 CPU profiles of our servers in bench/results; they cost speed
  --write                   the results become docs/performance.json and docs/performance.svg`;

/**
 * @param {string[]} args
 * @returns {Arguments}
 */
export function readArguments(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      engine: { type: "string" },
      only: { type: "string" },
      rounds: { type: "string" },
    },
  });
  const { quick, write, profile, engine, only } = values;
  if (engine !== undefined && engine !== "mariadb" && engine !== "mysql")
    throw new Error("--engine has to be mariadb or mysql.");
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error("--rounds has to be a whole number from 1 on.");
  if (write && (quick || profile))
    throw new Error("What --quick or --profile measure is not worth writing down.");
  return {
    quick,
    write,
    profile,
    rounds,
    engines: engine ? [engine] : ["mariadb", "mysql"],
    ...(only !== undefined && { only: only.split(",") }),
  };
}
