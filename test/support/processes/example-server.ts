import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const project = path.resolve(import.meta.dirname, "../../..");

/** The server of an example, in a process of its own. */
export interface ExampleServer {
  /** With a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** What it has printed up to now. */
  printed(): string;
  /** Resolves when it has printed this line. */
  prints(line: string): Promise<void>;
  hasEnded(): boolean;
  /** Ends it as Ctrl-C does; resolves to its exit code. */
  stop(): Promise<number | null>;
}

export interface ExampleOptions {
  databaseUrl?: string;
  /** Of a server that takes the place of one that has ended. */
  port?: number;
  env?: Record<string, string>;
}

/** A file of an example. */
export function exampleFile(name: string, ...parts: string[]): string {
  return path.join(project, "examples", name, ...parts);
}

/**
 * Starts examples/<name>/server.js or server.cjs, as it is there, on the built package; resolves when it has
 * printed its address. Rejects, with what it printed, if it ends before.
 */
export async function startExample(
  name: string,
  { databaseUrl = "", port = 0, env = {} }: ExampleOptions = {},
): Promise<ExampleServer> {
  const program = ["server.js", "server.cjs"].map((file) => exampleFile(name, file)).find(fs.existsSync);
  const child = spawn(process.execPath, [program ?? name], {
    cwd: project,
    env: { ...process.env, ...env, DATABASE_URL: databaseUrl, PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  let printed = "";
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        printed += text;
        const [address] = printed.match(/http:\/\/127\.0\.0\.1:\d+\/(?=\s)/) ?? [];
        if (address) resolve(address);
      });
    }
    closed.then(([code]) => reject(new Error(`the server of ${name} ended with ${code}: ${printed}`)));
  });
  return {
    url,
    port: Number(new URL(url).port),
    printed: () => printed,
    async prints(line) {
      while (!printed.split("\n").includes(line)) await once(child.stdout, "data");
    },
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.kill("SIGTERM");
      return (await closed)[0];
    },
  };
}

/** Runs another program of an example to its end; gives what it printed. */
export async function runExample(
  file: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], {
    cwd: project,
    env: { ...process.env, ...env },
    // A guard against hanging, shorter than that of the tests.
    timeout: 100_000,
  });
  return stdout;
}
