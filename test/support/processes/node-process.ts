import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PoolOptions } from "mysql2/promise";
import type { TokenSessionOptions } from "../../../src/index.js";
import type { GotTokenErrors } from "../../../src/wire.js";
import { poolOptions } from "../database/database.js";
import type { Step } from "./steps.js";

/** A change of a session, as a message can say it. */
export type Change =
  | { kind: "set"; values: Record<string, unknown> }
  | { kind: "delete"; key: string }
  | { kind: "clear" }
  | { kind: "update"; steps: readonly Step[] }
  /** `turns`: how often the handler lets the event loop turn before it changes anything. */
  | { kind: "withSession"; steps: readonly Step[]; turns?: number }
  | { kind: "destroy" }
  | { kind: "reload" };

/** What became of a change. */
export interface Report {
  /** `"done"`, or the code of the error. */
  readonly outcome: string;
  /** Of `update` and `withSession`: the draft as it was given to the function, in the run that counted. */
  readonly result?: unknown;
  /** Nanoseconds of the machine's monotonic clock, the same for all its processes. */
  readonly began: number;
  readonly ended: number;
}

/** What `socket.session` shows. */
export interface Facts {
  readonly active: boolean;
  readonly createdAt: number;
  readonly visitedAt: number;
  readonly previousVisitAt: number;
  readonly expiresAt: number;
  readonly values: Record<string, unknown>;
}

/** A session that a node process has open. */
export interface RemoteSession {
  readonly id: string;
  /** `""` where it was found by its id. */
  readonly token: string;
  readonly errors: GotTokenErrors;
  change(change: Change): Promise<Report>;
  /** Makes a change many times, `atOnce` of them at a time; answers how many came to which outcome. */
  repeat(change: Change, options: { times: number; atOnce: number }): Promise<Record<string, number>>;
  facts(): Promise<Facts>;
  /** Disconnects its socket. */
  leave(): Promise<void>;
}

export interface NodeProcessOptions {
  /** URL of the schema, perhaps by way of a proxy. */
  databaseUrl: string;
  options?: Omit<TokenSessionOptions, "db" | "store" | "logger" | "clock" | "addressOf">;
  /** How far the process's `Date` is off. */
  clockShiftSeconds?: number;
  /** Of the process, besides ours. */
  environment?: Record<string, string>;
}

/** What the process is told first; by message, because a command line can be read by everybody. */
export type StartMessage = Omit<NodeProcessOptions, "databaseUrl" | "environment"> & { pool: PoolOptions };

/** A Socket.IO server with token sessions, of the built package, in a process of its own. */
export interface NodeProcess {
  /** Of the Socket.IO server, for clients elsewhere. */
  readonly url: string;
  /** Opens by a real socket from inside the process; without a token as a first visit. */
  open(token?: string): Promise<RemoteSession>;
  /** `sessions.find(id)`. */
  find(id: string): Promise<RemoteSession | undefined>;
  destroy(id: string): Promise<void>;
  prune(): Promise<number>;
  /** `Date.now()` there. */
  now(): Promise<number>;
  /** The reason of the `sessionEnd` event of this session, past or coming. */
  ended(id: string): Promise<string>;
  close(): Promise<void>;
}

const program = fileURLToPath(new URL("./node-program.js", import.meta.url));

export async function startNodeProcess({
  databaseUrl,
  environment = {},
  ...start
}: NodeProcessOptions): Promise<NodeProcess> {
  const env = { ...process.env, ...environment };
  const child = fork(program, { env, execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const { ask, ended } = talkTo(child);
  const message: StartMessage = { ...start, pool: { ...poolOptions(databaseUrl), connectionLimit: 5 } };
  const { url } = await ask<{ url: string }>("start", message);

  function remote(entry: Pick<RemoteSession, "id" | "token" | "errors"> & { key: number }): RemoteSession {
    const { key, id, token, errors } = entry;
    return {
      id,
      token,
      errors,
      change: (change) => ask("change", { key, change }),
      repeat: (change, options) => ask("repeat", { key, change, ...options }),
      facts: () => ask("facts", { key }),
      leave: () => ask("leave", { key }),
    };
  }
  return {
    url,
    open: async (token = "") => remote(await ask("open", { token })),
    async find(id) {
      const found = await ask<Parameters<typeof remote>[0] | undefined>("find", { id });
      return found && remote(found);
    },
    destroy: (id) => ask("destroy", { id }),
    prune: () => ask("prune"),
    now: () => ask("now"),
    ended,
    async close() {
      await ask("close");
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
}

/** Questions and answers; who waits for one hears of the process's end too. */
function talkTo(child: ChildProcess) {
  const asked = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  const ends = new Map<string, string>();
  const waiting = new Map<string, (reason: string) => void>();
  let lastId = 0;
  child.on("message", (received) => {
    // Made anew: what Node has parsed has other prototypes than what a test makes, and would equal nothing.
    const message = JSON.parse(JSON.stringify(received)) as Record<string, unknown>;
    if (message["event"] === "sessionEnd") {
      const { sessionId, reason } = message as { sessionId: string; reason: string };
      ends.set(sessionId, reason);
      waiting.get(sessionId)?.(reason);
      return;
    }
    const { id, result, error } = message as { id: number; result: never; error?: object };
    const question = asked.get(id);
    asked.delete(id);
    if (error) question?.reject(Object.assign(new Error("the node process failed"), error));
    else question?.resolve(result);
  });
  child.on("exit", (code) => {
    for (const { reject } of asked.values()) reject(new Error(`the node process ended: ${code}`));
  });
  return {
    ask<Answer>(name: string, given: object = {}): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        asked.set(id, { resolve, reject });
        child.send({ id, name, given }, (error) => error && reject(error));
      });
    },
    ended(id: string): Promise<string> {
      const known = ends.get(id);
      if (known) return Promise.resolve(known);
      return new Promise((resolve) => {
        waiting.set(id, resolve);
      });
    },
  };
}
