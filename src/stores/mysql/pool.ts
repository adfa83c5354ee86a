import { askRaw, type ConnectionSource, type LentConnection, type RawConnection } from "./lent-connection.js";

/** What is used of mysql2's callback pools. */
export interface RawPool {
  readonly config?: {
    readonly connectionLimit?: unknown;
    readonly queueLimit?: unknown;
    readonly connectionConfig?: { readonly database?: unknown };
  };
  getConnection(callback: (error: unknown, connection: RawConnection) => void): unknown;
  on(event: string, listener: (connection: RawConnection) => void): unknown;
}

/** mysql2's default `connectionLimit`; taken for pools that do not tell theirs. */
export const USUAL_CONNECTIONS = 10;
/** Of a pool without limit. */
const MOST_CONNECTIONS = 1000;

/** Several registries may share a pool, and none is somebody else to another. */
const watches = new WeakMap<RawPool, PoolWatch>();

/** Connections of a mysql2 pool. */
export function poolSource(pool: RawPool): ConnectionSource {
  let watch = watches.get(pool);
  if (!watch) {
    watch = new PoolWatch(pool);
    watches.set(pool, watch);
  }
  const { connectionLimit, queueLimit, connectionConfig } = pool.config ?? {};
  const database = connectionConfig?.database;
  const limit = typeof connectionLimit === "number" ? connectionLimit : USUAL_CONNECTIONS;
  const request = watch.request.bind(watch);
  return {
    reconnects: true,
    connections: limit > 0 ? limit : MOST_CONNECTIONS,
    // The places in a bounded queue are the application's: what it asks for when the queue is full is
    // refused.
    mayQueue:
      typeof queueLimit === "number" && queueLimit > 0 ? Math.max(1, Math.floor(queueLimit / 2)) : Infinity,
    database: typeof database === "string" && database !== "" ? database : undefined,
    request,
  };
}

/**
 * Knows of each connection of a pool whether somebody else may have had it since we last did. The pool tells
 * by events who takes a connection from those that are free. It does not tell of one that goes straight from
 * who gives it back to who waits for one, so a connection that we give back and that does not become free
 * counts as used.
 */
class PoolWatch {
  readonly #pool: RawPool;
  readonly #known = new WeakMap<RawConnection, PooledConnection>();
  #isAsking = false;
  #hasQueued = false;
  #releasing: PooledConnection | undefined;
  #madeNow: RawConnection | undefined;

  constructor(pool: RawPool) {
    this.#pool = pool;
    pool.on("acquire", (raw) => {
      const known = this.#known.get(raw);
      if (known && !this.#isAsking) known.uses++;
    });
    pool.on("release", (raw) => {
      const known = this.#known.get(raw);
      if (known && known === this.#releasing) known.uses--;
    });
    pool.on("enqueue", () => {
      this.#hasQueued = true;
    });
    // The pool hands a connection that it has just made to who asked for it before anything else happens.
    pool.on("connection", (raw) => {
      this.#madeNow = raw;
      queueMicrotask(() => {
        this.#madeNow = undefined;
      });
    });
  }

  /** Returns whether the request went to the pool's queue. */
  request(done: (error: unknown, lent: LentConnection | undefined) => void): boolean {
    this.#isAsking = true;
    this.#hasQueued = false;
    try {
      this.#pool.getConnection((error, raw) => {
        if (error) done(error, undefined);
        else done(undefined, this.#lentOf(raw));
      });
    } finally {
      this.#isAsking = false;
    }
    return this.#hasQueued;
  }

  #lentOf(raw: RawConnection): LentConnection {
    let lent = this.#known.get(raw);
    if (!lent) {
      lent = new PooledConnection(raw, this);
      this.#known.set(raw, lent);
    }
    lent.isNew = raw === this.#madeNow;
    return lent;
  }

  release(lent: PooledConnection, raw: RawConnection): void {
    lent.uses++;
    this.#releasing = lent;
    try {
      raw.release?.();
    } finally {
      this.#releasing = undefined;
    }
  }
}

class PooledConnection implements LentConnection {
  readonly showsFlags = true;
  readonly isShared = false;
  readonly #raw: RawConnection;
  readonly #watch: PoolWatch;
  isNew = false;
  uses = 0;

  constructor(raw: RawConnection, watch: PoolWatch) {
    this.#raw = raw;
    this.#watch = watch;
  }

  get key(): object {
    return this;
  }

  ask<Row>(sql: string, parameters: readonly unknown[]) {
    return askRaw<Row>(this.#raw, sql, parameters);
  }

  release(): void {
    this.#watch.release(this, this.#raw);
  }

  drop(): void {
    this.#raw.destroy();
  }

  /**
   * A server that vanished without a word would otherwise keep connections busy until TCP gives up, long
   * after it has come back.
   */
  abandon(): void {
    this.#raw.destroy();
  }
}
