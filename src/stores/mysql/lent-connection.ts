/** A statement with its values. */
export interface SqlText {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** What a statement is answered with, however the connection gives it. */
export interface Answer<Row> {
  readonly rows: Row[];
  /**
   * Rows that an UPDATE matched or changed (as the connection counts), a DELETE deleted, an INSERT inserted.
   */
  readonly affected: number;
  /** What `last_insert_id(…)` was set to by an INSERT; 0 where it was not. */
  readonly insertId?: number | undefined;
  /** The server's status flags; `undefined` behind a SELECT, and where the driver keeps them to itself. */
  readonly flags?: number | undefined;
  /** How many warnings there were; `undefined` as above. */
  readonly warnings?: number | undefined;
}

/** Status flags of the MySQL protocol, as they come with the answer to a write. */
export const IN_TRANSACTION = 0x1;
export const NO_BACKSLASH_ESCAPES = 0x200;

/** A connection of the application's, lent to one statement of ours. */
export interface LentConnection {
  /** Stays the same as long as the connection does. */
  readonly key: object;
  /** Nobody has run anything on it but what sets a new connection up; `undefined` if that cannot be known. */
  readonly isNew: boolean | undefined;
  /** Grows each time somebody else may have used the connection. */
  readonly uses: number;
  /** Whether answers to writes come with {@link Answer.flags}. */
  readonly showsFlags: boolean;
  /** Others run their statements on it while we do. */
  readonly isShared: boolean;
  ask<Row>(sql: string, parameters: readonly unknown[]): Promise<Answer<Row>>;
  /** Gives it back in good order. */
  release(): void;
  /** Ends it, which also rolls back what is open on it. A shared one is only given back. */
  drop(): void;
  /** Nobody waits for its answer any more. Ends it if that can be done while it is busy. */
  abandon(): void;
}

/** Where connections come from: one for each thing that `db` may be. */
export interface ConnectionSource {
  /** Whether a lost connection is replaced. */
  readonly reconnects: boolean;
  /** How many connections there may be. */
  readonly connections: number;
  /** How many of our requests may wait in the driver's own queue. */
  readonly mayQueue: number;
  /** The schema that connections are set up with, where that is known. */
  readonly database: string | undefined;
  /**
   * Asks the driver for a connection. Returns whether the request waits in the driver's queue, `undefined` if
   * that cannot be known.
   */
  request(done: (error: unknown, lent: LentConnection | undefined) => void): boolean | undefined;
}

/** Just what is used of mysql2's callback connections. */
export interface RawConnection {
  query(sql: string, values: unknown[], callback: (error: unknown, result: unknown) => void): unknown;
  release?(): void;
  destroy(): void;
  on?(event: "error", listener: () => void): unknown;
}

/** Runs a statement on a connection of mysql2. */
export function askRaw<Row>(
  raw: RawConnection,
  sql: string,
  parameters: readonly unknown[],
): Promise<Answer<Row>> {
  return new Promise((resolve, reject) => {
    raw.query(sql, parameters as unknown[], (error, result) => {
      if (error) reject(error);
      else if (Array.isArray(result)) resolve({ rows: result as Row[], affected: 0 });
      else {
        const { affectedRows, insertId, serverStatus, warningStatus } = result as Record<
          string,
          number | undefined
        >;
        resolve({
          rows: [],
          affected: affectedRows ?? 0,
          // Text on a pool that is set to give large numbers so.
          insertId: Number(insertId ?? 0),
          flags: serverStatus,
          warnings: warningStatus,
        });
      }
    });
  });
}
