import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { afterAll, beforeAll, describe } from "@jest/globals";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { createClient } from "redis";
import type { Server, ServerOptions } from "socket.io";
import { notRun } from "../not-run.js";
import { offered } from "../offers.js";

/** The Redis server of the run, if there is one. */
const server = await offered("redis");

/** `describe` where there is a Redis server; elsewhere the tests are skipped, and the runner is told. */
export function describeWithRedis(what: string, tests: () => void): void {
  if ("url" in server) return describe(what, tests);
  notRun({ what, why: server.missing, command: server.command });
  describe.skip(what, tests);
}

/** Carries a password: never print it. */
export function redisUrl(): string {
  if (!("url" in server)) throw new Error(`There is no Redis server: ${server.missing}`);
  return server.url;
}

/** What the keys and channels of one test begin with, so that tests that run at the same time do not meet. */
export function newPrefix(): string {
  return `token_session_test_${randomBytes(6).toString("hex")}`;
}

/**
 * To be called once at the top of `describeWithRedis`: a prefix whose keys are deleted at the end, and a
 * client to look at them.
 */
export function useRedisKeys(): {
  readonly prefix: string;
  readonly client: ReturnType<typeof createClient>;
} {
  const prefix = newPrefix();
  let client: ReturnType<typeof createClient>;
  beforeAll(async () => {
    client = createClient({ url: redisUrl() });
    await client.connect();
  });
  afterAll(async () => {
    const keys = await client.keys(`${prefix}*`);
    if (keys.length > 0) await client.del(keys);
    await client.close();
  });
  return {
    prefix,
    get client() {
      return client;
    },
  };
}

const prefixOfThisFile = newPrefix();

/** An adapter for one Socket.IO server. */
export interface TestAdapter {
  readonly adapter: NonNullable<ServerOptions["adapter"]>;
  /** Ends its connections to Redis; the server that has the adapter is closed before. */
  close(): Promise<void>;
}

/** The adapter that uses PUB/SUB alone; servers with the same prefix hear each other. */
export async function redisAdapter(url: string, prefix = prefixOfThisFile): Promise<TestAdapter> {
  const [publisher, subscriber] = await Promise.all([connect(url), connect(url)]);
  return {
    adapter: createAdapter(publisher, subscriber, { key: prefix }),
    async close() {
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  };
}

/** The same with a channel for each room, as servers with many rooms have it. */
export async function shardedAdapter(url: string, prefix = prefixOfThisFile): Promise<TestAdapter> {
  const clients = [new Redis(url), new Redis(url)] as const;
  return {
    adapter: createShardedAdapter(...clients, { channelPrefix: prefix }),
    async close() {
      for (const client of clients) client.disconnect();
    },
  };
}

/**
 * The adapter that uses a stream, which also keeps what connection state recovery needs: a lost connection as
 * base64 of MessagePack under `<prefix>:session:…`.
 */
export async function redisStreamsAdapter(url: string, prefix = prefixOfThisFile): Promise<TestAdapter> {
  const client = await connect(url);
  // The adapter opens two more connections and lets one of them wait for news after it was closed.
  const duplicates: (typeof client)[] = [];
  let reads = false;
  let closed = false;
  const duplicate = client.duplicate.bind(client) as () => typeof client;
  client.duplicate = (() => {
    const copy = duplicate();
    duplicates.push(copy);
    const xRead = copy.xRead.bind(copy) as (...args: unknown[]) => Promise<unknown>;
    const read = async (...args: unknown[]) => {
      const found = await xRead(...args).catch((error) => {
        if (!closed) throw error;
      });
      // Left waiting, or it would ask again, and at once.
      if (closed) return new Promise(() => {});
      reads ||= found !== null;
      return found;
    };
    return Object.assign(copy, { xRead: read });
  }) as unknown as typeof client.duplicate;

  const adapter = createStreamsAdapter(client, {
    streamName: prefix,
    channelPrefix: prefix,
    sessionKeyPrefix: `${prefix}:session:`,
  });
  // It reads "from now on" until it has read something, and misses what comes between two such attempts.
  while (!reads) await client.xAdd(prefix, "*", { begin: "" });
  // Not deleted on closing: another server may still recover from it.
  await client.expire(prefix, 600);
  return {
    adapter,
    async close() {
      closed = true;
      for (const copy of duplicates) copy.destroy();
      await client.close();
    },
  };
}

/** Resolves when each of these servers hears the others: an adapter does not tell when it has subscribed. */
export async function hearEachOther(servers: readonly Server[], namespace = "/"): Promise<void> {
  for (const io of servers) {
    let count = 0;
    while (count < servers.length) count = await io.of(namespace).adapter.serverCount();
  }
}

/**
 * Everything that a Redis server is told by anybody, a command a line; it writes bytes beyond ASCII as
 * `\xff`.
 */
export interface Monitor {
  /** All up to now. */
  text(): Promise<string>;
  stop(): Promise<void>;
}

export async function startMonitor(url: string): Promise<Monitor> {
  const [monitor, marker] = await Promise.all([connect(url), connect(url)]);
  const lines: string[] = [];
  const shown = new EventEmitter();
  await monitor.monitor((line) => {
    lines.push(String(line));
    shown.emit("line", String(line));
  });
  return {
    async text() {
      // Commands are shown in the order in which the server runs them: what was there before the mark is here
      // with it.
      const mark = `mark-${randomBytes(8).toString("hex")}`;
      const marked = new Promise<void>((resolve) => {
        shown.on("line", function look(line: string) {
          if (!line.includes(mark)) return;
          shown.off("line", look);
          resolve();
        });
      });
      await marker.echo(mark);
      await marked;
      return lines.join("\n");
    },
    async stop() {
      monitor.destroy();
      await marker.close();
    },
  };
}

async function connect(url: string) {
  const client = createClient({ url });
  // It connects again by itself; a command that fails meanwhile says so.
  client.on("error", () => {});
  await client.connect();
  return client;
}
