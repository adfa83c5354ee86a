import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PoolOptions } from "mysql2/promise";
import type { ServerOptions } from "socket.io";
import { io as connect, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type { TokenSessionOptions } from "../../../src/index.js";
import { poolOptions } from "../database/database.js";
import { redisUrl } from "../redis/redis.js";

/** The first message to test/support/processes/cluster-node.js. */
export interface ChildSettings {
  readonly database: PoolOptions;
  readonly redis: string;
  readonly adapter: "redis" | "sharded" | "streams";
  /** The package that the adapter reaches Redis by; `redis` by default. */
  readonly redisPackage?: "redis" | "ioredis";
  /** `false`: the application sends nothing of its own to a socket that connects. */
  readonly welcomes?: boolean;
  /** Nodes with the same prefix hear each other. */
  readonly prefix: string;
  readonly options?: Partial<TokenSessionOptions>;
  readonly io?: Partial<ServerOptions>;
  readonly port: number;
}

export interface ChildOptions
  extends Pick<ChildSettings, "adapter" | "redisPackage" | "welcomes" | "prefix" | "options" | "io"> {
  readonly databaseUrl: string;
  /** Another server than the runner's. */
  readonly redis?: string;
  /** Of a node that takes the place of one that has ended. */
  readonly port?: number;
}

/** A server in a process of its own. */
export interface ChildNode {
  readonly port: number;
  readonly url: string;
  /** Everything it has logged up to now, at trace level, and whatever else it printed. */
  logged(): Promise<string>;
  /** Runs one of the commands of its program. */
  call<Result = unknown>(command: string, ...args: unknown[]): Promise<Result>;
  /** The next event of its `sessions`; with `isMeant` the next one that is, however many come before it. */
  event(name: string, isMeant?: (content: unknown) => boolean): Promise<unknown>;
  /** Ends the process as a crash does. */
  kill(): Promise<void>;
  /** Lets it close everything, and then ends it. */
  stop(): Promise<void>;
}

export function startChild(given: ChildOptions): Promise<ChildNode> {
  return startProgram("cluster-node.js", {
    database: poolOptions(given.databaseUrl),
    redis: given.redis ?? redisUrl(),
    adapter: given.adapter,
    ...(given.redisPackage && { redisPackage: given.redisPackage }),
    ...(given.welcomes !== undefined && { welcomes: given.welcomes }),
    prefix: given.prefix,
    ...(given.options && { options: given.options }),
    ...(given.io && { io: given.io }),
    port: given.port ?? 0,
  } satisfies ChildSettings);
}

/**
 * Runs a program of this folder that listens on a port, tells it, and obeys commands; `settings` is its first
 * message.
 */
export async function startProgram(
  name: string,
  settings: object,
  execArgv: string[] = [],
): Promise<ChildNode> {
  const program = fileURLToPath(new URL(name, import.meta.url));
  const child = fork(program, [], { stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv });
  const ended = once(child, "exit");
  const messages = new EventEmitter();
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
  child.on("message", (message: Message) => {
    if (message.port !== undefined) messages.emit("port", message.port);
    else if (message.event !== undefined) messages.emit(`event ${message.event}`, message.content);
    else messages.emit(`answer ${message.call}`, message);
  });
  child.send(settings);
  const [port] = await orEnd(child, once(messages, "port"), () => printed);

  let calls = 0;
  const call = async <Result>(command: string, ...args: unknown[]): Promise<Result> => {
    const call = ++calls;
    const answered = once(messages, `answer ${call}`);
    child.send({ call, command, args });
    const [{ result, error }] = await orEnd(child, answered, () => printed);
    if (error !== undefined) throw new Error(error);
    return result as Result;
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async logged() {
      // What it prints and what it answers come by different ways.
      const mark = `mark-${randomBytes(8).toString("hex")}`;
      await call("log", mark);
      while (!printed.includes(mark)) await call("handled");
      return printed;
    },
    call,
    event(name, isMeant = () => true) {
      const meant = new Promise<unknown>((resolve) => {
        const hear = (content: unknown) => {
          if (!isMeant(content)) return;
          messages.off(`event ${name}`, hear);
          resolve(content);
        };
        messages.on(`event ${name}`, hear);
      });
      return orEnd(child, meant, () => printed);
    },
    kill,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) await call("close");
      await kill();
    },
  };
}

interface Message {
  readonly port?: number;
  readonly event?: string;
  readonly content?: unknown;
  readonly call?: number;
}

/** A process that has ended answers nothing any more: that is said, rather than waited for. */
async function orEnd<Result>(
  child: ChildProcess,
  answer: Promise<Result>,
  printed: () => string,
): Promise<Result> {
  let fail = () => {};
  const end = new Promise<never>((_, reject) => {
    fail = () => reject(new Error(`the node ended by itself: ${printed()}`));
    child.once("exit", fail);
  });
  try {
    return await Promise.race([answer, end]);
  } finally {
    child.off("exit", fail);
  }
}

/** Clients that outlive the server they were connected to. */
export class Clients {
  readonly #clients: Socket[] = [];

  open(url: string, options: Partial<ManagerOptions & SocketOptions> = {}): Socket {
    const client = connect(url, {
      forceNew: true,
      transports: ["websocket"],
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  close(): void {
    for (const client of this.#clients.splice(0)) {
      client.io.reconnection(false);
      client.disconnect();
    }
  }
}
