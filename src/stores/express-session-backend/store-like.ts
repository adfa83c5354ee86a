import { describe, invalidOption } from "../../base/option-table.js";

/**
 * What is asked of a store of express-session: `RedisStore` of connect-redis, `MemoryStore`, or any other
 * that keeps to the same contract. Its callbacks count, not the promises that it may return.
 */
export interface ConnectStoreLike {
  /** The record kept under `sid`, to the callback; nothing where there is none. */
  get(sid: string, callback: (error?: unknown, session?: unknown) => void): unknown;
  /** Keeps a record, for as long as its cookie says. */
  set(sid: string, session: ConnectRecord, callback?: (error?: unknown) => void): unknown;
  /** Takes a record away; one that is not there is no error. */
  destroy(sid: string, callback?: (error?: unknown) => void): unknown;
}

/** What a Connect store is given to keep. Survives JSON. */
export interface ConnectRecord {
  /** All that a Connect store looks at: it finds here how long to keep the record. */
  // biome-ignore lint/suspicious/noExplicitAny: a class in express-session's types, a plain object in ours.
  readonly cookie: any;
  readonly [name: string]: unknown;
}

const METHODS = ["get", "set", "destroy"] as const;

/** Throws `SESSION_OPTION_INVALID` for anything else. */
export function checkConnectStore(store: unknown): asserts store is ConnectStoreLike {
  const given = (typeof store === "object" ? store : undefined) as
    | Partial<ConnectStoreLike>
    | null
    | undefined;
  const missing = METHODS.filter((name) => typeof given?.[name] !== "function");
  if (missing.length === 0) return;
  const what = given ? `an object without ${missing.join(", ")}` : describe(store);
  throw invalidOption(
    `fromConnectStore takes a store of express-session, with get, set and destroy, not ${what}`,
  );
}
