import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe } from "@jest/globals";
import { createClient } from "redis";
import { type Redis, startRedis } from "../../../scripts/servers/redis.js";
import { findRedis, type RedisServer } from "../../../scripts/servers/redis-server.js";
import { notRun } from "../not-run.js";

/** A Redis server of a test's own, which it may stop and start again on the same port. */
export interface OwnRedis {
  /** Carries a password: never print it. */
  readonly url: string;
  /** Stops it in order: what it holds is on the disk then. */
  stop(): Promise<void>;
  /** Starts it again with what it held. */
  start(): Promise<void>;
  /** Keeps its connections, and answers nothing more. */
  freeze(): void;
  /** It goes on, with what it was told meanwhile. */
  thaw(): void;
  /** Ends it as a crash does: connections break, and what it held is lost. */
  kill(): Promise<void>;
  /** Ends it for good and deletes its folder. */
  end(): Promise<void>;
}

const say = () => {};

/**
 * `describe` with a server of its own, where there is a program to start: the tests' server may be somebody
 * else's, known by its address alone. Elsewhere the tests are skipped, and the runner is told.
 */
export async function describeWithOwnRedis(
  what: string,
  tests: (own: () => OwnRedis) => void,
): Promise<void> {
  const server = await findRedis({ say });
  if ("missing" in server) {
    notRun({ what, why: server.missing, command: server.command });
    return describe.skip(what, () => tests(() => undefined as never));
  }
  describe(what, () => {
    let own: OwnRedis;
    beforeAll(async () => {
      own = await startOwnRedis(server);
    });
    afterAll(() => own.end());
    tests(() => own);
  });
}

async function startOwnRedis(server: RedisServer): Promise<OwnRedis> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "own-redis-"));
  let redis: Redis = await startRedis({ server, folder, say });
  const { url, port } = redis;
  const { password } = new URL(url);
  return {
    url,
    async stop() {
      await keepOnDisk(url);
      await redis.stop();
    },
    async start() {
      redis = await startRedis({ server, folder, say, port, password });
    },
    freeze: () => redis.signal("SIGSTOP"),
    thaw: () => redis.signal("SIGCONT"),
    async kill() {
      redis.signal("SIGKILL");
      await redis.exited;
    },
    async end() {
      redis.signal("SIGCONT");
      await redis.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Our servers keep nothing on the disk unless they are told to. */
async function keepOnDisk(url: string): Promise<void> {
  const client = createClient({ url });
  await client.connect();
  await client.configSet("save", "3600 1");
  await client.close();
}
