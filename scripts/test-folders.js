// @ts-check
// The folders of the servers that a run of the tests starts.
import fs from "node:fs";
import path from "node:path";
import { cacheFolder } from "./paths.js";
import { commandLineOf } from "./processes.js";
import { endLeftOver } from "./servers/database-left-over.js";
import { onShutdown } from "./shutdown.js";

/**
 * Gives a server a folder for as long as it runs.
 * @param {string} name
 * @param {(folder: string) => Promise<void>} run
 */
export async function inTestFolder(name, run) {
  // The process id in the name tells a later run whose folder this is.
  const folder = path.join(cacheFolder, `test-${name}-${process.pid}`);
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  const forget = onShutdown(remove);
  try {
    await run(folder);
  } finally {
    remove();
    forget();
  }
}

/**
 * What runs that were killed have left: a server perhaps, and its folder.
 * @param {{ say: import("./paths.js").Say }} options
 */
export async function removeAbandoned({ say }) {
  if (!fs.existsSync(cacheFolder)) return;
  for (const name of fs.readdirSync(cacheFolder)) {
    const pid = /^(?:test|jest)-\w+-(\d+)$/.exec(name)?.[1];
    if (!pid || Number(pid) === process.pid || (await commandLineOf(Number(pid))).includes("test.js"))
      continue;
    const folder = path.join(cacheFolder, name);
    await endLeftOver(folder, say);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
