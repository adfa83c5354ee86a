// @ts-check
// One run of Jest and what came of it.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { cacheFolder, projectFolder } from "../paths.js";
import { onShutdown } from "../shutdown.js";

/**
 * What could not run here; test files, and the set-up before them, append such objects, one a line, to the
 * file that TEST_NOT_RUN_FILE names.
 * @typedef {{ what: string, why: string, command: string, allowed?: boolean }} NotRun
 */

/**
 * @param {{ args: readonly string[], environment: Record<string, string | undefined> }} options
 * @returns {Promise<{ passed: number, failed: number, notRun: NotRun[] }>}
 */
export async function runJest({ args, environment }) {
  fs.mkdirSync(cacheFolder, { recursive: true });
  // The process id in the name tells a later run whose folder this is.
  const folder = path.join(cacheFolder, `jest-result-${process.pid}`);
  fs.mkdirSync(folder);
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  const forget = onShutdown(remove);
  try {
    const results = path.join(folder, "results.json");
    const notRunFile = path.join(folder, "not-run.jsonl");
    fs.writeFileSync(notRunFile, "");
    const code = await spawnJest(["--json", `--outputFile=${results}`, ...args], {
      ...environment,
      TEST_NOT_RUN_FILE: notRunFile,
    });
    const notRun = fs.readFileSync(notRunFile, "utf8").split("\n").filter(Boolean);
    return { ...count(results, code), notRun: notRun.map((line) => JSON.parse(line)) };
  } finally {
    remove();
    forget();
  }
}

/**
 * @param {string} results
 * @param {number} code
 */
function count(results, code) {
  if (!fs.existsSync(results)) return { passed: 0, failed: 1 };
  const counted = JSON.parse(fs.readFileSync(results, "utf8"));
  // A file that cannot even be loaded has no tests that could fail.
  const failed = counted.numFailedTests + counted.numRuntimeErrorTestSuites;
  return { passed: counted.numPassedTests, failed: code === 0 ? failed : Math.max(1, failed) };
}

/**
 * @param {readonly string[]} args
 * @param {Record<string, string | undefined>} environment
 * @returns {Promise<number>} its exit code
 */
function spawnJest(args, environment) {
  const windows = process.platform === "win32";
  const jest = path.join(projectFolder, "node_modules", "jest", "bin", "jest.js");
  const withParent = pathToFileURL(path.join(projectFolder, "scripts", "with-parent.js")).href;
  const node = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning", "--import", withParent];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...node, jest, ...args], {
      cwd: projectFolder,
      env: { ...process.env, ...environment, WITH_PARENT: String(process.pid) },
      // A group of its own, so that its workers can be ended with it, and Ctrl-C comes to us alone.
      detached: !windows,
      // With --json Jest prints its results on standard output too, which nobody wants to see.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const end = () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      if (windows) child.kill();
      else process.kill(-child.pid, "SIGTERM");
    };
    const exited = new Promise((ended) => child.once("close", ended));
    const forget = onShutdown(async () => {
      end();
      await exited;
    });
    process.once("exit", end);
    child.once("error", (error) => console.error(`Jest could not be started: ${error.message}`));
    child.once("close", (code) => {
      process.off("exit", end);
      forget();
      resolve(code ?? 1);
    });
  });
}
