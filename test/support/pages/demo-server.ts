import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const project = path.resolve(import.meta.dirname, "../../..");

export interface Demo {
  readonly url: string;
  readonly port: number;
  /** Ends it as Ctrl-C does; resolves to its exit code. */
  stop(): Promise<number | null>;
}

/** What a demo server that did not start had to say. */
export class DemoFailure extends Error {
  readonly exitCode: number | null;
  readonly output: string;

  constructor(exitCode: number | null, output: string) {
    super(`the demo server ended with ${exitCode}: ${output}`);
    this.exitCode = exitCode;
    this.output = output;
  }
}

/**
 * Starts the demo's server, or another like it, as a process of its own, as `npm start` does; needs dist/.
 */
export async function startDemo(
  databaseUrl: string,
  { port = 0, program = path.join(project, "examples/demo/server.js"), env = {} } = {},
): Promise<Demo> {
  const child = spawn(process.execPath, [program], {
    cwd: project,
    env: { ...process.env, ...env, DATABASE_URL: databaseUrl, PORT: String(port), HOST: "127.0.0.1" },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const closed = once(child, "close") as Promise<[number | null]>;
  const message = await Promise.race([once(child, "message"), closed.then(() => undefined)]);
  if (!message) throw new DemoFailure((await closed)[0], output);
  const { listening } = message[0] as { listening: number };
  return {
    url: `http://127.0.0.1:${listening}/`,
    port: listening,
    async stop() {
      child.kill("SIGTERM");
      return (await closed)[0];
    },
  };
}
