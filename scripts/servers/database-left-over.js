// @ts-check
// A server that outlived the script that had started it (which was killed, or crashed) still holds its data
// folder.
import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { commandLineOf } from "../processes.js";
import { layoutOf } from "./database-folder.js";

/** @typedef {import("../paths.js").Say} Say */

/**
 * Notes who runs on this folder, for the next start.
 * @param {string} folder
 * @param {{ server: number, signs: readonly string[] }} running its process id, and what its command line may
 * show
 */
export function recordRunning(folder, { server, signs }) {
  const owner = { pid: process.pid, arguments: process.argv.slice(1) };
  fs.writeFileSync(layoutOf(folder).record, `${JSON.stringify({ server, signs, owner })}\n`);
}

/**
 * Ends what an earlier run left running on this folder; throws when that run itself is still there.
 * @param {string} folder
 * @param {Say} say
 */
export async function endLeftOver(folder, say) {
  const { record, data } = layoutOf(folder);
  if (!fs.existsSync(record)) return;
  /** @type {{ server: number, signs?: string[], owner: { pid: number, arguments: string[] } }} */
  const { server, signs = [data], owner } = JSON.parse(fs.readFileSync(record, "utf8"));
  // Ids are given out again: only a process whose command line shows a sign of this very server is the one
  // recorded.
  const runs = async () => {
    const commandLine = await commandLineOf(server);
    return signs.some((sign) => commandLine.includes(sign));
  };
  if (await runs()) {
    if (owner.pid !== process.pid && (await isOwner(owner))) {
      throw new Error(`The database in ${folder} is in use by process ${owner.pid}; stop that one first.`);
    }
    say(`Stopping the server that an earlier run left behind (process ${server})…`);
    signal(server, "SIGTERM");
    const escalateAt = Date.now() + 30_000;
    // It is no child of ours, so no event tells that it has ended.
    while (await runs()) {
      if (Date.now() > escalateAt) signal(server, "SIGKILL");
      await delay(100);
    }
  }
  fs.rmSync(record, { force: true });
}

/** @param {{ pid: number, arguments: string[] }} owner */
async function isOwner({ pid, arguments: expected }) {
  const commandLine = await commandLineOf(pid);
  return commandLine !== "" && expected.every((argument) => commandLine.includes(argument));
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}
