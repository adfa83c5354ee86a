import { hearEachOther, newPrefix, redisAdapter, redisStreamsAdapter, redisUrl } from "../redis/redis.js";
import { type Rig, startRig } from "./rig.js";
import type { TestServerOptions } from "./server.js";

/** The adapters that every test of a cluster runs over. */
export const ADAPTERS = [
  ["PUB/SUB", redisAdapter],
  ["streams", redisStreamsAdapter],
] as const;

export type MakeAdapter = (typeof ADAPTERS)[number][1];

/**
 * The longest that `revalidate` can be with the default `expiration`: the sweep finds nothing while a test
 * runs.
 */
export const NO_SWEEP = { revalidate: 21_600 };

export interface Nodes {
  readonly nodes: readonly Rig[];
  close(): Promise<void>;
}

/** Servers in this process that hear each other over Redis; each may reach it by a way of its own. */
export async function startNodes(
  makeAdapter: MakeAdapter,
  given: readonly (TestServerOptions & { redis?: string })[],
): Promise<Nodes> {
  const prefix = newPrefix();
  const nodes: Rig[] = [];
  const closing: (() => Promise<void>)[] = [];
  for (const { redis = redisUrl(), ...options } of given) {
    const { adapter, close } = await makeAdapter(redis, prefix);
    const node = await startRig({
      ...options,
      options: { ...NO_SWEEP, ...options.options },
      io: { ...options.io, adapter },
    });
    nodes.push(node);
    closing.push(() => node.close(), close);
  }
  await hearEachOther(nodes.map(({ io }) => io));
  return {
    nodes,
    async close() {
      for (const close of closing) await close();
    },
  };
}
