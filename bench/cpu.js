// @ts-check
// CPU time, which other work on the machine changes far less than it changes rates: of the server, which
// tells its own, and of the database server that the run has started.
import fs from "node:fs";
import path from "node:path";
import { median } from "./stats.js";

/** @typedef {{ server: number, database?: number | undefined }} Cpu microseconds */

/** A tick of `/proc`, in microseconds: 100 a second on every Linux there is. */
const tick = 10_000;

/**
 * How much CPU time the server of this data folder has had, in microseconds; undefined where the system does
 * not tell.
 * @param {string} dataFolder
 */
export function cpuOfDatabase(dataFolder) {
  try {
    const pid = fs.readFileSync(path.join(dataFolder, "server.pid"), "utf8").trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may have spaces in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const time = (Number(fields[11]) + Number(fields[12])) * tick;
    return Number.isFinite(time) ? time : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs something, and tells what a server and the database took for each of the operations that it has been.
 * @param {{ contender: import("./context.js").Contender, database: import("./database.js").BenchDatabase }} of
 * @param {() => Promise<{ operations: number }>} run
 * @returns {Promise<Cpu>}
 */
export async function cpuOf({ contender, database }, run) {
  const ofDatabase = database.cpu();
  const ofServer = await contender.ask("cpu");
  const { operations } = await run();
  const server = ((await contender.ask("cpu")) - ofServer) / operations;
  const now = database.cpu();
  const isKnown = now !== undefined && ofDatabase !== undefined;
  return { server, database: isKnown ? (now - ofDatabase) / operations : undefined };
}

/**
 * For the line of a round.
 * @param {readonly Cpu[]} rounds
 */
export function cpuText(rounds) {
  const server = `${median(rounds.map((cpu) => cpu.server)).toFixed(1)} µs`;
  const known = rounds.flatMap(({ database }) => (database === undefined ? [] : [database]));
  return `${server} + ${known.length > 0 ? `${median(known).toFixed(1)} µs` : "not measured"}`;
}
