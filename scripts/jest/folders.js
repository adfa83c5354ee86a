// @ts-check
// The folders of the servers that a run of the tests starts.
import fs from "node:fs";
import path from "node:path";
import { cacheFolder } from "../paths.js";
import { commandLineOf } from "../processes.js";
import { endLeftOver } from "../servers/database-left-over.js";
import { onShutdown } from "../shutdown.js";

/**
 * A folder for a server, removed when the run ends, after the servers that are started in it.
 * @param {string} name
 */
export function testFolder(name) {
  // The process id in the name tells a later run whose folder this is.
  const folder = path.join(cacheFolder, `test-${name}-${process.pid}`);
  onShutdown(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The programs that make such folders, and `jest-result-…` (run.js). */
const OWNERS = /\btest\.js\b|\bjest\b/;

/**
 * What runs that were killed have left: a server perhaps, and its folder.
 * @param {{ say: import("../paths.js").Say }} options
 */
export async function removeAbandoned({ say }) {
  if (!fs.existsSync(cacheFolder)) return;
  for (const name of fs.readdirSync(cacheFolder)) {
    const pid = /^(?:test|jest)-\w+-(\d+)$/.exec(name)?.[1];
    if (!pid || Number(pid) === process.pid || OWNERS.test(await commandLineOf(Number(pid)))) continue;
    const folder = path.join(cacheFolder, name);
    await endLeftOver(folder, say);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
