import { fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const project = path.resolve(import.meta.dirname, "../../..");
const preload = pathToFileURL(path.join(import.meta.dirname, "own-port.js")).href;

/** The code blocks in JavaScript of a page, as they are printed. */
export function blocksOf(page: string): string[] {
  const text = fs.readFileSync(path.join(project, page), "utf8");
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, block = ""]) => block);
}

/**
 * A server of the documentation in a process of its own, on the built package. Nothing there handles
 * unhandled rejections.
 */
export interface PrintedProgram {
  readonly url: string;
  /** What it has printed up to now. */
  printed(): string;
  hasEnded(): boolean;
  /** What `promise` resolves to; rejects, with what the program has printed, if that ends meanwhile. */
  alive<Result>(promise: Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
}

/** Runs a program as it is; rejects, with what it printed, if it ends before it listens. */
export async function runPrinted(program: string, databaseUrl: string): Promise<PrintedProgram> {
  // Below the project, so that it finds the package by its name.
  const cache = path.join(project, ".cache");
  fs.mkdirSync(cache, { recursive: true });
  const folder = fs.mkdtempSync(path.join(cache, "printed-"));
  const file = path.join(folder, "server.mjs");
  fs.writeFileSync(file, program);
  const child = fork(file, {
    cwd: project,
    env: { ...process.env, DATABASE_URL: databaseUrl },
    execArgv: ["--import", preload],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const closed = once(child, "close");
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  const stop = async () => {
    child.kill("SIGKILL");
    await closed;
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const ended = closed.then(async () => {
    await stop();
    throw new Error(`the program ended by itself: ${printed}`);
  });
  ended.catch(() => {});
  const alive = <Result>(promise: Promise<Result>) => Promise.race([promise, ended]);
  const [message] = await alive(once(child, "message"));
  return {
    url: `http://127.0.0.1:${(message as { port: number }).port}`,
    printed: () => printed,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    alive,
    stop,
  };
}
