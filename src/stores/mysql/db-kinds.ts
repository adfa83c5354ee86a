import type { Kysely } from "kysely";
import { describe, invalidOption } from "../../base/option-table.js";
import { isThenable } from "../../base/promises.js";
import type { SessionError } from "../../errors.js";
import { kyselySource } from "./kysely.js";
import type { ConnectionSource, RawConnection } from "./lent-connection.js";
import { poolSource, type RawPool } from "./pool.js";
import { singleSource } from "./single.js";

/** A pool from `mysql2`, by the members that tell it from others. */
export interface CallbackPool {
  /** Lends a connection. */
  getConnection(callback: never): unknown;
  /** The same pool as of `mysql2/promise`. */
  promise(): unknown;
}

/** A pool from `mysql2/promise`: it carries the callback pool that it is made of. */
export interface PromisePool {
  /** Lends a connection. */
  getConnection(): Promise<unknown>;
  /** What it is made of. */
  readonly pool: CallbackPool;
}

/** A connection from `mysql2`. */
export interface CallbackConnection {
  /** The same connection as of `mysql2/promise`. */
  promise(): unknown;
  /** Its number on the server. */
  readonly threadId: number;
  /** Runs a statement. */
  query(...parameters: never[]): unknown;
}

/** A connection from `mysql2/promise`. */
export interface PromiseConnection {
  /** Its number on the server. */
  readonly threadId: number;
  /** Resolves when it is connected. */
  connect(): Promise<void>;
  /** Runs a statement. */
  query(sql: string): Promise<unknown>;
}

/**
 * A Kysely instance, of whatever version the application has: only these methods are used to recognise it.
 */
export interface KyselyInstance {
  /** What runs its queries. */
  getExecutor(): unknown;
  /** The same instance without its plugins, which would change names and values. */
  withoutPlugins(): unknown;
}

/** What `db` may be. */
export type Database = CallbackPool | PromisePool | CallbackConnection | PromiseConnection | KyselyInstance;

/** Recognises what `db` is. Errors: `SESSION_OPTION_INVALID`. */
export function sourceOf(db: unknown): ConnectionSource {
  if (has(db, "getExecutor", "withoutPlugins")) {
    // Without plugins: one that renames columns or rewrites results would change what our statements mean.
    const kysely = (db as unknown as Kysely<unknown>).withoutPlugins();
    if (
      !kysely
        .selectNoFrom((eb) => eb.val(1).as("one"))
        .compile()
        .sql.includes("`")
    ) {
      throw refuse("a Kysely instance for another database than MySQL");
    }
    return kyselySource(kysely.getExecutor());
  }
  if (has(db, "add", "of", "getConnection")) throw refuse("a PoolCluster (its replicas may lag behind)");
  if (has(db, "getConnection")) {
    // mysql2/promise wraps the callback pool, and shows it.
    const pool = has((db as { pool?: unknown }).pool, "getConnection", "promise")
      ? (db as unknown as PromisePool).pool
      : db;
    if (!has(pool, "promise", "on"))
      throw refuse("a pool that is not from mysql2 (the mysql package, perhaps)");
    return poolSource(pool as unknown as RawPool);
  }
  const inner = (db as { connection?: unknown } | null | undefined)?.connection;
  const connection = has(inner, "query", "promise") ? inner : db;
  if (has(connection, "query", "promise", "destroy"))
    return singleSource(connection as unknown as RawConnection);
  if (isThenable(db)) throw refuse("a promise: wait for it");
  if (has(db, "query")) throw refuse("a connection that is not from mysql2 (the mysql package, perhaps)");
  throw refuse(describe(db));
}

function refuse(what: string): SessionError {
  return invalidOption(
    `db must be a mysql2 pool or connection (of mysql2 or mysql2/promise) or a Kysely instance for MySQL, not ${what}`,
  );
}

function has<Name extends string>(value: unknown, ...names: Name[]): value is Record<Name, unknown> {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}
