// @ts-check
// A server as a process of ours: it ends when we end, and a later run finds it when we were killed.
import { spawn } from "node:child_process";
import fs from "node:fs";
import { lastLines, waitForEnd } from "../processes.js";
import { onShutdown } from "../shutdown.js";
import { layoutOf } from "./database-folder.js";
import { recordRunning } from "./database-left-over.js";
import { waitForGreeting } from "./ports.js";

/**
 * @typedef {object} ServerProcess
 * @property {Promise<void>} exited resolves when the server has ended, for whatever reason
 * @property {() => Promise<void>} stop ends it gracefully; calling it again does no harm
 * @property {(signal: NodeJS.Signals) => void} signal sends it a signal, such as SIGSTOP, after which it
 * keeps its connections and answers nothing
 */

const startTimeoutMs = 120_000;
const stopTimeoutMs = 30_000;

/**
 * Starts a server and waits until it answers.
 * @param {object} options
 * @param {string} options.title begins the message of a failure, such as "The database server"
 * @param {string} options.program
 * @param {readonly string[]} options.args
 * @param {string} options.folder laid out as `layoutOf` says; the server runs in its data folder
 * @param {Record<string, string>} [options.environment] besides ours
 * @param {number} [options.startWithinMs] how long it may take until it answers
 * @param {readonly string[]} [options.signs] what its command line shows where it does not keep the one it
 * got
 * @param {number} options.port where it will answer
 * @param {import("./ports.js").Greeting} [options.greeting]
 * @param {readonly string[]} [options.temporary] files with secrets that it needs only while it starts
 * @param {(said: string) => string} [options.hint] what may help, told by its last words
 * @returns {Promise<ServerProcess>}
 */
export async function startServer({ title, program, args, folder, port, greeting, hint, ...options }) {
  const { environment = {}, startWithinMs = startTimeoutMs, signs = [], temporary = [] } = options;
  const files = layoutOf(folder);
  const log = fs.openSync(files.log, "w");
  const child = spawn(program, args, {
    cwd: files.data,
    env: { ...process.env, ...environment },
    // A process group of its own: Ctrl-C is for us, and we end the server when those who use it have ended.
    detached: process.platform !== "win32",
    windowsHide: true,
    stdio: ["ignore", log, log],
  });
  fs.closeSync(log);
  /** @type {string | undefined} */
  let ended;
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    const end = (/** @type {string} */ how) => {
      ended = how;
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
  });
  const killNow = () => child.kill("SIGTERM");
  process.once("exit", killNow);
  const forget = onShutdown(() => stop());
  let stopping = false;
  const stop = async () => {
    if (!stopping && ended === undefined) {
      stopping = true;
      child.kill("SIGTERM");
    }
    await waitForEnd(child, exited, stopTimeoutMs);
  };
  const removeTemporary = () => {
    for (const file of temporary) fs.rmSync(file, { force: true });
  };
  exited.then(() => {
    process.off("exit", killNow);
    forget();
    fs.rmSync(files.record, { force: true });
    removeTemporary();
  });
  if (child.pid !== undefined) recordRunning(folder, { server: child.pid, signs: [files.data, ...signs] });
  try {
    await waitForGreeting({ port, greeting, timeoutMs: startWithinMs, gaveUp: () => ended !== undefined });
  } catch (error) {
    const why = ended ?? (error instanceof Error ? error.message : String(error));
    await stop();
    const said = fs.existsSync(files.log) ? lastLines(fs.readFileSync(files.log, "utf8"), 20) : "";
    throw new Error(
      `${title} did not start (${why}). ${hint?.(said) ?? ""}Its last words (${files.log}):\n${said}`,
    );
  }
  removeTemporary();
  return { exited, stop, signal: (signal) => void child.kill(signal) };
}
