// @ts-check
import { parseArgs } from "node:util";

/** @typedef {import("../../scripts/servers/database-server.js").Engine} Engine */
/**
 * @typedef {object} Arguments
 * @property {number} minutes
 * @property {Engine} engine
 * @property {number} seed
 * @property {number} devices
 * @property {number} nodes
 * @property {string[]} [only]
 */

export const usage = `npm run test:soak -- <minutes> [options]
  --engine mariadb|mysql    mariadb unless said
  --seed 7                  the order of the faults; one is chosen, and printed, unless said
  --only rowLocks,crash     these faults, one after the other, or pairs (rowLocks+crash): the smallest story of
                            what was found; none: no faults at all
  --devices 24              clients with two sockets each
  --nodes 3                 Socket.IO processes, 2 or more`;

/** @param {string[]} args @returns {Arguments} */
export function readArguments(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      engine: { type: "string", default: "mariadb" },
      seed: { type: "string", default: String(Date.now() % 100_000) },
      only: { type: "string" },
      devices: { type: "string", default: "24" },
      nodes: { type: "string", default: "3" },
    },
  });
  const { engine, only } = values;
  if (engine !== "mariadb" && engine !== "mysql") throw new Error("--engine has to be mariadb or mysql.");
  const minutes = Number(positionals[0]);
  if (positionals.length !== 1 || !(minutes > 0)) throw new Error("Say for how many minutes.");
  const whole = (/** @type {"seed" | "devices" | "nodes"} */ name, /** @type {number} */ least) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < least)
      throw new Error(`--${name} has to be a whole number from ${least} on.`);
    return value;
  };
  return {
    minutes,
    engine,
    seed: whole("seed", 0),
    devices: whole("devices", 1),
    nodes: whole("nodes", 2),
    ...(only !== undefined && { only: only.split(",") }),
  };
}
