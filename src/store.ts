import type { Log } from "./base/log.js";
import type { ClientDescription } from "./wire.js";

/** A duration in seconds. */
export type Seconds = number;
/** A moment in Unix seconds, by the clock of the store's database. */
export type UnixSeconds = number;

/** A row as a store hands it out. */
export interface SessionRow {
  /** 32 hex digits. */
  readonly sessionId: string;
  /** When the session ends unless it is used. */
  readonly expires: UnixSeconds;
  /** The values as JSON text, or `null` where the row has expired: those are never loaded. */
  readonly data: string | null;
  /** SHA-256 of the secret; `null` opens for nobody. */
  readonly secretHash: Uint8Array | null;
  /** SHA-256 of a new secret that was sent and not yet confirmed; it opens as well. */
  readonly nextHash: Uint8Array | null;
  /** SHA-256 of the secret before the last rotation; it opens nothing, and its use is reported. */
  readonly previousHash: Uint8Array | null;
  /** Who is logged in. */
  readonly userId: string | null;
  /** What the client said of itself when the session began. */
  readonly client: ClientDescription | null;
  /** This session's own idle time; `null` for the store's `expiration`. */
  readonly idleSeconds: Seconds | null;
  /**
   * Below 2^53, another one with each write other than a touch. From 2^48 on larger with each write, so that
   * an older row shows; below that (0.1, or a hand) any number.
   */
  readonly revision: number;
  /** Up to 8 × (8-byte process id, 8-byte revision of that process's last accepted write), newest first. */
  readonly writers: Uint8Array;
  /** When the session began. */
  readonly createdAt: UnixSeconds;
  /** Last known use. */
  readonly visitedAt: UnixSeconds;
  /** Last use before this visit; 0 on the first. */
  readonly previousVisitAt: UnixSeconds;
  /**
   * The store's clock when the row was read. Whether a row has expired is decided by this, never by the
   * node's clock.
   */
  readonly now: UnixSeconds;
}

/** Who is logged in, and which secrets open the session or did. */
export type Identity = Pick<SessionRow, "userId" | "secretHash" | "nextHash" | "previousHash">;

/** A session to be inserted. The store fills in the times by its own clock. */
export interface NewSession {
  /** 32 hex digits, new; in the course of time they grow. */
  readonly sessionId: string;
  /** SHA-256 of the secret. */
  readonly secretHash: Uint8Array;
  /** The values as JSON text. */
  readonly data: string;
  /** What the client says of itself. */
  readonly client: ClientDescription | null;
  /** As in {@link SessionRow}. */
  readonly revision: number;
  /** As in {@link SessionRow}. */
  readonly writers: Uint8Array;
  /** This session's own idle time, from 0; absent or `null` for the store's `expiration`. */
  readonly idleSeconds?: Seconds | null;
}

/**
 * One conditional write: takes effect only where the row is there, not expired, and still at `baseRevision`.
 */
export interface WriteAttempt {
  /** Which row. */
  readonly sessionId: string;
  /** The revision that the row must still have. */
  readonly baseRevision: number;
  /** The revision that it gets. */
  readonly revision: number;
  /** The values that it gets, as JSON text. */
  readonly data: string;
  /** The writers that it gets, as in {@link SessionRow}. */
  readonly writers: Uint8Array;
  /** Where these change too: in the same statement. Absent, they stay as they are. */
  readonly identity?: Identity;
  /**
   * Where the session's own idle time changes too: `expires` moves with it, to where a touch would move it,
   * which may be earlier than it was. Absent, both stay as they are.
   */
  readonly idleSeconds?: Seconds | null;
}

/** A row that the old package wrote: its key is the client's token. */
export interface LegacyRow {
  /** The token, and so the key that the row has now. Never to be logged. */
  readonly text: string;
  /** The id that takes its place. */
  readonly sessionId: string;
  /** The hash that opens the row from now on. */
  readonly secretHash: Uint8Array;
}

/** A session of a user, as the list of their devices shows it. */
export type UserSession = Pick<
  SessionRow,
  "sessionId" | "client" | "createdAt" | "visitedAt" | "previousVisitAt" | "expires"
>;

/** What the sweep needs of a row to see whether it has moved, without its values. */
export type SessionRevision = Pick<
  SessionRow,
  "sessionId" | "revision" | "expires" | "visitedAt" | "previousVisitAt" | "now"
>;

/** Which of the living rows {@link SessionStore.list} is to bring. */
export interface ListOptions {
  /** The id behind which the page begins; absent for the first page. */
  readonly after?: string | undefined;
  /** Rows of a page. */
  readonly limit: number;
  /** `false` where the values are not needed. @default true */
  readonly values?: boolean;
}

/** Which of a user's living rows {@link SessionStore.forUser} is to bring, where not all at once. */
export type UserPage = Pick<ListOptions, "after" | "limit">;

/** What there is in a store, as an operator wants to know it. */
export interface StoreStats {
  /** Rows that are alive. */
  readonly alive: number;
  /** Rows that have expired, and wait for being pruned. */
  readonly expired: number;
  /** Living rows that somebody is logged in to. */
  readonly loggedIn: number;
  /** Bytes of the values of a living row, as JSON text. */
  readonly bytes: {
    /** Half of the rows have no more. */
    readonly p50: number;
    /** 95 of 100 rows have no more. */
    readonly p95: number;
    /** No row has more. */
    readonly max: number;
  };
  /** When the oldest living session began; `null` where there is none. */
  readonly oldest: UnixSeconds | null;
  /** `false`: each number is exact. `true`: estimates, of which `rows` says what they are made from. */
  readonly sampled: boolean;
  /** Living rows that were looked at for `loggedIn`, `bytes` and `oldest`. */
  readonly rows: number;
}

/** What one step of pruning came to. */
export interface PruneStep {
  /** Rows deleted. */
  readonly deleted: number;
  /** Whether there may be more. */
  readonly more: boolean;
}

/** What a store is told once, when it is opened. */
export interface StoreSettings {
  /** Idle time: how long a session lives without being used. */
  readonly expiration: Seconds;
  /** Longest life since creation, however much a session is used. */
  readonly absoluteExpiration: Seconds;
  /**
   * The use of a session is written about so often, and until then need not be: so much longer than its idle
   * time, or a quarter of that (rounded up) where it is less, a row lives from its insert, or a touch, on.
   */
  readonly touchEvery: Seconds;
  /**
   * How long a caller waits for an operation; one that takes longer should be given up and reported as
   * `"unknown"`.
   */
  readonly storeTimeout: Seconds;
  /** Where to say what an operator must know. No token, secret or value may go there. */
  readonly log: Log;
}

/**
 * Where rows live. Batch-first: each call takes a list, and what fails for one entry fails for that entry
 * alone where the contract says so. A list is never empty. Every method may reject with a {@link StoreFault},
 * or with a `SessionError` where waiting does not help; none may answer what it does not know. Objects and
 * bytes that are handed in or out belong to the caller afterwards. `socket.io-token-session/testing` has
 * these rules as tests; docs/stores.md says how to write a store.
 *
 * *Required*: `load`, `insert`, `write`, `touch`, `delete`. *Recommended*: `loadRevisions` (else the sweep
 * loads whole rows), `prune`, `forUser`, `check`. *Optional*: `concurrency`, `statementBytes`, `shared`,
 * `now`, `list`, `count`, `stats`, `adopt`, `adoptsCookies`.
 */
export interface SessionStore {
  /** The rows of exactly these ids, in any order; ids without a row are left out. */
  load(sessionIds: readonly string[]): Promise<SessionRow[]>;
  /**
   * Inserts; answers for each, in order, the row as inserted, or `null` where that id is taken. Never
   * overwrites. The times in these rows may be a second off; the next load brings the exact ones.
   */
  insert(sessions: readonly NewSession[]): Promise<(SessionRow | null)[]>;
  /**
   * Conditional writes; answers for each, in order, whether a row matched, or `undefined` where the answer
   * does not tell (several went out together, and fewer rows matched). Never inserts. `mayWait: false`: a row
   * that somebody has locked should be left out rather than waited for, and is answered with `undefined`; a
   * store without locks need not care.
   */
  write(
    attempts: readonly WriteAttempt[],
    options?: { readonly mayWait?: boolean },
  ): Promise<(boolean | undefined)[]>;
  /**
   * Moves `expires` and `visitedAt` of live rows forward, and nothing else: `expires` to now + idle + the
   * lesser of `touchEvery` and idle / 4 (rounded up), at most creation + `absoluteExpiration`, where idle is
   * the row's `idleSeconds` or else `expiration`; with `beginVisit`, where `visitedAt` is older than 1800
   * seconds, keeps it as `previousVisitAt`. Never inserts, never revives. Answers the ids that have to be
   * touched later: a row that somebody has locked is better left out than waited for.
   */
  touch(sessionIds: readonly string[], options: { beginVisit: boolean }): Promise<readonly string[]>;
  /**
   * Deletes the rows of these ids; an id without a row is no error. `onlyExpired`: those alone that have
   * expired when they are deleted. Asked where a new session is to take the place of an expired one; who does
   * not heed it may delete what another server has put there first. `mayWait: false`: rows that somebody has
   * locked should be left out rather than waited for; then answers their ids.
   */
  delete(
    sessionIds: readonly string[],
    options?: { readonly onlyExpired?: boolean; readonly mayWait?: boolean },
    // biome-ignore lint/suspicious/noConfusingVoidType: a store that leaves nothing out answers nothing.
  ): Promise<readonly string[] | void>;
  /** As `load`, without values: revision and times of the rows of these ids, expired ones too. */
  loadRevisions?(sessionIds: readonly string[]): Promise<SessionRevision[]>;
  /**
   * The living sessions of exactly this user, newest first. With `page`, which a store need not heed: those
   * whose ids come after `after`, in the order of their ids as JavaScript compares texts, at most `limit`,
   * fewer only where there are no more.
   */
  forUser?(userId: string, page?: UserPage): Promise<UserSession[]>;
  /** Deletes at most `limit` rows that expired more than `expiredFor` seconds ago, and never a living one. */
  prune?(options: { expiredFor: Seconds; limit: number }): Promise<PruneStep>;
  /**
   * The living rows whose ids come after `after` (absent: from the first), in the order of their ids as
   * JavaScript compares texts, at most `limit`: fewer only where there are no more. `values: false`: who asks
   * needs none, and `data` may be `null`.
   */
  list?(options: ListOptions): Promise<SessionRow[]>;
  /** How many rows are alive. */
  count?(): Promise<number>;
  /** Counts what there is; in bounded time, so it may estimate, and then says so. */
  stats?(): Promise<StoreStats>;
  /** Rejects with a `SessionError` that says what an administrator has to mend. */
  check?(): Promise<void>;
  /**
   * Bytes that the entries of one call should have together, as far as one alone allows: a server may refuse
   * longer statements (`max_allowed_packet`). Counted as their text in SQL, with values escaped. May change.
   * @default 1 MiB, which is also the most
   */
  readonly statementBytes?: number;
  /** How many calls may be under way at once. @default 4 */
  readonly concurrency?: number;
  /**
   * `false` where `write` is atomic only among callers in this process, so that no other may write the rows
   * at the same time. A server with a cluster adapter is then refused by `attach` with `SESSION_UNSUPPORTED`.
   * @default true
   */
  readonly shared?: boolean;
  /**
   * The store's clock as far as known, in seconds, with fractions. Used for the age of ids only; expiry is
   * decided by rows.
   */
  now?(): number;
  /**
   * Replaces the key by id and hash in living rows that have no hash yet, and begins their times; leaves
   * everything else as it is. For the option `legacyTokens`, and for `adoptsCookies`; only a store with rows
   * of others needs it.
   */
  adopt?(legacy: readonly LegacyRow[]): Promise<void>;
  /**
   * Whether `adopt` is to be asked for the session ids of cookies too: the store keeps what express-session
   * has written. @default false
   */
  readonly adoptsCookies?: boolean;
}

/** Opens a store; `memoryStore()` returns such a function. */
export type StoreFactory = (settings: StoreSettings) => SessionStore;

/** INT UNSIGNED holds Unix seconds until 2106; half of it as a duration keeps every sum inside. */
export const LONGEST: Seconds = 2_147_483_647;

/**
 * A visit begins at an open that finds the last use over 30 minutes ago: the session time-out of web
 * analytics.
 */
export const VISIT_GAP: Seconds = 1800;

/**
 * How a store says that a statement failed.
 * - `"not-applied"`: surely without effect, and worth repeating (deadlock, lock wait, server not reached).
 * - `"unknown"`: the answer was lost; it may have been applied, may be running still, or not.
 * - `"refused"`: surely without effect, and repeating does not help (wrong table, missing right).
 */
export class StoreFault extends Error {
  /** Tells it from other errors where `instanceof` cannot, as in logs. */
  override readonly name = "StoreFault";
  /** What is known of the statement's effect; see above. */
  readonly kind: "not-applied" | "unknown" | "refused";
  /** Whether one of several entries may be the reason, so that each is worth trying by itself. */
  readonly mayBeOneEntry: boolean;

  /**
   * `reason` goes to logs: a code or number, never a message of the database, which may have values in it.
   */
  constructor(
    kind: StoreFault["kind"],
    reason: string,
    { mayBeOneEntry = false, ...options }: { cause?: unknown; mayBeOneEntry?: boolean } = {},
  ) {
    super(reason, options);
    this.kind = kind;
    this.mayBeOneEntry = mayBeOneEntry && kind !== "unknown";
  }
}

/**
 * The key in the `data` column of what belongs to an HTTP session library: the `cookie` object of
 * express-session and its like. Not one of the values: nobody sees it among them, nothing clears it.
 */
export const RESERVED_KEY = "\u0000cookie";
