// @ts-check
// A server that outlived the script that had started it (which was killed, or crashed) still holds its data folder.
import fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { layoutOf } from "./database-folder.js";
import { commandLineOf } from "./processes.js";

/** @typedef {import("./paths.js").Say} Say */

/**
 * Notes who runs on this folder, for the next start.
 * @param {string} folder
 * @param {number} server its process id
 */
export function recordRunning(folder, server) {
  const owner = { pid: process.pid, arguments: process.argv.slice(1) };
  fs.writeFileSync(layoutOf(folder).record, `${JSON.stringify({ server, owner })}\n`);
}

/**
 * Ends what an earlier run left running on this folder; throws when that run itself is still there.
 * @param {string} folder
 * @param {Say} say
 */
export async function endLeftOver(folder, say) {
  const { record, data } = layoutOf(folder);
  if (!fs.existsSync(record)) return;
  /** @type {{ server: number, owner: { pid: number, arguments: string[] } }} */
  const { server, owner } = JSON.parse(fs.readFileSync(record, "utf8"));
  // Ids are given out again: only a process whose command line names this very folder is the server of the record.
  const runs = async () => (await commandLineOf(server)).includes(data);
  if (await runs()) {
    if (owner.pid !== process.pid && (await isOwner(owner))) {
      throw new Error(`The database in ${folder} is in use by process ${owner.pid}; stop that one first.`);
    }
    say(`Stopping the database server that an earlier run left behind (process ${server})…`);
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
