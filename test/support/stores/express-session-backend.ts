import { RedisStore } from "connect-redis";
import { createClient } from "redis";
import type {
  ConnectRecord,
  ConnectStoreLike,
} from "../../../src/stores/express-session-backend/store-like.js";
import { newPrefix } from "../redis/redis.js";

/** Where our records have the row: what a Connect store keeps is no secret to its owner. */
const ROW = "socket.io-token-session";

/** connect-redis with a client of its own. */
export interface RedisBackend {
  readonly store: RedisStore;
  /** How long Redis keeps a record from now on. */
  secondsLeft(key: string): Promise<number>;
  /** Resolves when the client has noticed that its server is away. */
  noticesLoss(): Promise<void>;
  /** Resolves when it is connected. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisBackendOptions {
  readonly prefix?: string;
  /** Whether commands wait while the server is away: as by default, or fail at once. */
  readonly waits?: boolean;
}

export async function redisBackend(
  url: string,
  { prefix = newPrefix(), waits = true }: RedisBackendOptions = {},
): Promise<RedisBackend> {
  const client = createClient({ url, disableOfflineQueue: !waits, socket: { reconnectStrategy: () => 20 } });
  client.on("error", () => {});
  await client.connect();
  const when = (event: string) =>
    new Promise<void>((resolve) => {
      client.once(event as never, () => resolve());
    });
  return {
    store: new RedisStore({ client, prefix }),
    secondsLeft: (key) => client.ttl(`${prefix}${key}`),
    noticesLoss: () => when("reconnecting"),
    ready: async () => (client.isReady ? undefined : when("ready")),
    close: async () => client.destroy(),
  };
}

/** The record under this key, as the Connect store has it. */
export function recordOf(store: ConnectStoreLike, key: string): Promise<ConnectRecord | undefined> {
  return new Promise((resolve, reject) => {
    store.get(key, (error, record) => (error ? reject(error) : resolve((record ?? undefined) as never)));
  });
}

/** The row in the record of this session. */
export async function rowIn(
  store: ConnectStoreLike,
  sessionId: string,
): Promise<Record<string, unknown> | undefined> {
  return (await recordOf(store, sessionId))?.[ROW] as Record<string, unknown> | undefined;
}

/** Changes a row behind everybody's back. */
export async function changeRow(
  store: ConnectStoreLike,
  sessionId: string,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  const record = await recordOf(store, sessionId);
  if (!record) throw new Error("there is no such record");
  const changed = { ...record, [ROW]: { ...(record[ROW] as object), ...facts } };
  await new Promise<void>((resolve, reject) => {
    store.set(sessionId, changed, (error) => (error ? reject(error) : resolve()));
  });
}
