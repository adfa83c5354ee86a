// @ts-check
// Programs of the benchmark: Node processes of their own that answer questions. Both sides of that are here.
import { fork } from "node:child_process";
import { waitForEnd } from "../scripts/processes.js";
import { onShutdown } from "../scripts/shutdown.js";

/**
 * @typedef {object} Program
 * @property {(question: string, content?: any) => Promise<any>} ask resolves to the answer; rejects with the
 * error of the program, its stack included, and when the program ends before it has answered
 * @property {() => Promise<void>} stop ends it; calling it again does no harm
 */
/**
 * @typedef {(content: any) => unknown} Answer what a program does about one question, perhaps in a promise
 */
/** @typedef {{ id: number, question: string, content?: unknown }} Question as it is sent */
/**
 * @typedef {{ id: number, answer?: unknown, error?: { message: string, stack?: string | undefined } }} Reply
 * as it is sent
 */

const stopTimeoutMs = 10_000;

/**
 * Starts a program. What it needs to know of secrets goes into a question, which nobody else on the machine
 * can read.
 * @param {string | URL} file
 * @param {{ env?: Record<string, string>, args?: string[], execArgv?: string[] }} [options]
 * @returns {Program}
 */
export function startProgram(file, { env = {}, args = [], execArgv = [] } = {}) {
  const child = fork(file, args, {
    execArgv,
    env: { ...process.env, ...env },
    // A process group of its own: Ctrl-C is for us, and we end it.
    detached: process.platform !== "win32",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  /** @type {Map<number, { resolve: (answer: any) => void, reject: (error: Error) => void }>} */
  const asked = new Map();
  let count = 0;
  /** @type {string | undefined} */
  let ended;
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    const end = (/** @type {string} */ how) => {
      ended = `${file} has ended (${how})`;
      for (const { reject } of asked.values()) reject(new Error(ended));
      asked.clear();
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
  });
  child.on("message", (message) => {
    const { id, answer, error } = /** @type {Reply} */ (message);
    const waiting = asked.get(id);
    asked.delete(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(Object.assign(new Error(error.message), error));
  });
  const stop = async () => {
    // Its side of the channel closes, which tells it to go; it does the same when we are gone without a word.
    if (child.connected) child.disconnect();
    await waitForEnd(child, exited, stopTimeoutMs);
  };
  exited.then(onShutdown(stop));
  return {
    stop,
    ask: (question, content) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(new Error(ended));
        count += 1;
        asked.set(count, { resolve, reject });
        child.send({ id: count, question, content }, (error) => error && reject(error));
      }),
  };
}

/**
 * The program's own side: answers questions until the channel closes, then ends. Questions may overlap.
 * @param {Record<string, Answer>} answers
 */
export function answer(answers) {
  process.on("message", async (message) => {
    const { id, question, content } = /** @type {Question} */ (message);
    /** @type {Reply} */
    let reply;
    try {
      const found = answers[question];
      if (!found) throw new Error(`This program does not know the question ${question}.`);
      reply = { id, answer: await found(content) };
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error));
      reply = { id, error: { message, stack } };
    }
    if (process.connected) process.send?.(reply);
  });
  // By process.exit, so that a profile asked for by execArgv is written.
  process.once("disconnect", () => process.exit());
}
