import type { Socket } from "socket.io";
import type { Clock } from "./base/clock.js";
import { systemClock } from "./base/clock.js";
import { isPinoLike, type Log, type Logger, toLog } from "./base/log.js";
import { SessionError } from "./errors.js";
import { LONGEST, type Seconds, type StoreFactory, VISIT_GAP } from "./store.js";
import type { Database } from "./stores/mysql/db-kinds.js";
import { checkedSecrets, type TicketSecrets } from "./token/tickets.js";

/** What {@link tokenSession} takes. Exactly one of `db` and `store` is needed. */
export interface TokenSessionOptions {
  /**
   * The MySQL or MariaDB database: a mysql2 pool (of `mysql2` or `mysql2/promise`), a Kysely instance for MySQL (its plugins
   * are not used), or a single mysql2 connection, which works but does not reconnect. It stays yours: it is never closed.
   */
  db?: Database;
  /** Another place for the rows: `memoryStore()` in development, `fromConnectStore(…)`, or a store of your own. */
  store?: StoreFactory;
  /** Name of the table. @default "session" */
  table?: string;
  /**
   * Idle time: a session that is not used for so long ends, never before that and at most `touchEvery` later. Seconds, 10 to
   * 2 147 483 647. @default 86400 (one day)
   */
  expiration?: Seconds;
  /** Longest life of a session since its creation, however much it is used. Seconds. @default 7776000 (90 days) */
  absoluteExpiration?: Seconds;
  /**
   * Use of a session is written to its row about this often, and so much later than its idle time a session may end. Seconds, at most
   * expiration / 4. Of a session with an idle time of its own (a cookie's `maxAge`), at most a quarter of that.
   * @default expiration / 24, from 1 to 900: half of the gap between two visits
   */
  touchEvery?: Seconds;
  /**
   * What counts as use. `"connection"`: a connected socket does, also one that only listens. `"events"`: only what a client
   * sends, opening included; the strict reading of idle time, for applications that must end an unattended session.
   * @default "connection"
   */
  idle?: "connection" | "events";
  /**
   * Live sessions are compared with their rows this often, so that what other processes wrote or ended is noticed without a
   * cluster adapter too. Seconds, at most expiration / 4. @default 30, or expiration / 4 if that is less
   */
  revalidate?: Seconds;
  /**
   * How fresh the values are that a handler finds. `"connection"`: read when the session is opened, kept fresh by what a cluster adapter
   * announces and by {@link revalidate}. `"event"`: not older than the event; each event of a client that has a session is passed on only
   * after a look at its row. What waits meanwhile waits in order, at most 1000 events or about 1 MiB a socket; while the store cannot be
   * reached, until it can. A number: the look is left out where the last one was no more than so many seconds ago, at most expiration / 4.
   * A look is by the row's revision alone, and looks of many sockets are one statement. @default "connection"
   *
   * @example
   * tokenSession({ db: pool, freshness: "event" });
   * tokenSession({ db: pool, freshness: 5 });
   */
  freshness?: "connection" | "event" | Seconds;
  /**
   * Whether this process deletes rows that expired more than an hour ago, about every ten minutes. `false` where the database
   * does it (`sql/prune.sql`) or something else calls `sessions.prune()`. @default true
   */
  prune?: boolean;
  /**
   * Accepts tokens of `socket.io-mysql-session` too, and takes its rows over, once its table has become ours by `sql/adopt.sql`.
   * @default false
   */
  legacyTokens?: boolean;
  /**
   * Whether the client script is served beside Socket.IO's own, as `/socket.io/socket.io-token-session.js` (or under the `path` of the
   * Socket.IO server). It makes a global function `tokenSession`. @default true
   */
  serveClient?: boolean;
  /** Longest JSON text of one session's values. Bytes, up to 16 777 215 (MEDIUMTEXT). @default 65536 */
  maxBytes?: number;
  /** How long an operation waits for an unreachable store, retrying, before it says so. Seconds. @default 10 */
  storeTimeout?: Seconds;
  /**
   * Every socket must have a session: events wait until it has one, and a socket without one after 20 seconds is
   * disconnected. While the store cannot be reached the connection is closed, so that the client comes back later.
   * @default false
   */
  required?: boolean;
  /**
   * The address that a new socket counts under, for a limit on new sessions: 60 at once, then one a second. Give it only where
   * an address stands for few people: mobile carriers put thousands of phones behind one. `undefined` is not limited.
   * Behind a proxy that you trust it is what the proxy says. @default no limit by address
   *
   * @example
   * addressOf: (socket) => socket.handshake.address
   */
  addressOf?: (socket: Socket) => string | undefined;
  /**
   * Another credential than a token, in the handshake of a socket that brings no token: the session id of a cookie, mostly, as
   * {@link fromCookie} and {@link fromKoaCookie} find it. Any function of the handshake will do; what it gives is a credential
   * of at least 16 characters that nobody can guess, or `undefined`. It is given all cookies, also the one that sockets do not show
   * (see `cookieSecret`). Such a socket has its session when `connection` fires, if there is one; it is never told its credential,
   * and `login()` and its like reject with `SESSION_NOT_CONFIRMED` there: HTTP changes cookies. @default none
   */
  identify?: (handshake: Socket["handshake"]) => string | undefined | Promise<string | undefined>;
  /**
   * For `sessions.express({ cookie })`: what encrypts tokens on their way through a page's script. At least 32 characters, secret, and the same on all
   * servers. A list to change it: the first seals, all open. A server that has it shows that cookie in no handshake, whether it sets it
   * itself or not. @default none
   *
   * @example
   * cookieSecret: [newSecret, oldSecret]
   */
  cookieSecret?: string | readonly string[];
  /** pino, a logger like it, an object with `log(level, text)` as the old package took, or `false`. @default pino() */
  logger?: Logger;
  /** Time itself. For tests. @internal */
  clock?: Clock;
}

/** Options checked, completed and frozen. */
export interface Settings {
  readonly db: Database | undefined;
  readonly store: StoreFactory | undefined;
  readonly table: string;
  readonly expiration: Seconds;
  readonly absoluteExpiration: Seconds;
  readonly touchEvery: Seconds;
  readonly idle: "connection" | "events";
  readonly revalidate: Seconds;
  readonly freshness: "connection" | "event" | Seconds;
  readonly prune: boolean;
  readonly legacyTokens: boolean;
  readonly addressOf: ((socket: Socket) => string | undefined) | undefined;
  readonly serveClient: boolean;
  readonly maxBytes: number;
  readonly storeTimeout: Seconds;
  readonly required: boolean;
  readonly identify: TokenSessionOptions["identify"];
  readonly cookieSecret: TicketSecrets | undefined;
  readonly log: Log;
  readonly clock: Clock;
}

const NAMES = new Set<string>([
  "db",
  "store",
  "table",
  "expiration",
  "absoluteExpiration",
  "touchEvery",
  "idle",
  "revalidate",
  "freshness",
  "prune",
  "legacyTokens",
  "addressOf",
  "serveClient",
  "maxBytes",
  "storeTimeout",
  "required",
  "identify",
  "cookieSecret",
  "logger",
  "clock",
] satisfies (keyof TokenSessionOptions)[]);

const MEDIUMTEXT_BYTES = 16_777_215;

/**
 * Checks all options once and completes them. A wrong one throws `SESSION_OPTION_INVALID`, naming the option, what it must be
 * and what it was; an unknown name is refused, because a mistyped limit would otherwise be no limit.
 */
export function toSettings(options: TokenSessionOptions): Settings {
  if (typeof options !== "object" || options === null) {
    throw new SessionError("SESSION_OPTION_INVALID", `options must be an object, not ${describe(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) {
      throw new SessionError("SESSION_OPTION_INVALID", `there is no option ${JSON.stringify(name)}`);
    }
  }
  const expiration = whole("expiration", options.expiration, 86_400, 10, LONGEST);
  if (options.db !== undefined && options.store !== undefined) {
    throw new SessionError("SESSION_OPTION_INVALID", "give either db or store, not both");
  }
  if (options.store !== undefined && typeof options.store !== "function") {
    throw wrong("store", "a store factory such as memoryStore()", options.store);
  }
  return Object.freeze({
    db: options.db,
    store: options.store,
    table: tableName(options.table),
    expiration,
    absoluteExpiration: whole("absoluteExpiration", options.absoluteExpiration, 7_776_000, 1, LONGEST),
    touchEvery: whole(
      "touchEvery",
      options.touchEvery,
      Math.max(1, Math.min(VISIT_GAP / 2, Math.floor(expiration / 24))),
      1,
      Math.floor(expiration / 4),
    ),
    idle: idleOf(options.idle),
    revalidate: whole(
      "revalidate",
      options.revalidate,
      Math.min(30, Math.floor(expiration / 4)),
      1,
      Math.floor(expiration / 4),
    ),
    freshness: freshnessOf(options.freshness, Math.floor(expiration / 4)),
    prune: flag("prune", options.prune, true),
    legacyTokens: flag("legacyTokens", options.legacyTokens, false),
    addressOf: addressOf(options.addressOf),
    serveClient: flag("serveClient", options.serveClient, true),
    maxBytes: whole("maxBytes", options.maxBytes, 65_536, 2, MEDIUMTEXT_BYTES),
    storeTimeout: whole("storeTimeout", options.storeTimeout, 10, 1, 3600),
    required: flag("required", options.required, false),
    identify: identifyOf(options.identify),
    cookieSecret: options.cookieSecret === undefined ? undefined : checkedSecrets(options.cookieSecret),
    log: logOf(options.logger),
    clock: options.clock ?? systemClock,
  });
}

function whole(name: string, value: unknown, otherwise: number, least: number, most: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(name, `a whole number from ${least} to ${most}`, value);
}

function idleOf(value: unknown): "connection" | "events" {
  if (value === undefined) return "connection";
  if (value === "connection" || value === "events") return value;
  throw wrong("idle", '"connection" or "events"', value);
}

function freshnessOf(value: unknown, most: Seconds): Settings["freshness"] {
  if (value === undefined || value === "connection") return "connection";
  if (value === "event") return value;
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw wrong("freshness", `"connection", "event" or a whole number from 1 to ${most}`, value);
}

function addressOf(value: unknown): Settings["addressOf"] {
  if (value === undefined || typeof value === "function") return value as Settings["addressOf"];
  throw wrong("addressOf", "a function of a socket", value);
}

function identifyOf(value: unknown): Settings["identify"] {
  if (value === undefined || typeof value === "function") return value as Settings["identify"];
  throw wrong("identify", "a function of a handshake, such as fromCookie(…)", value);
}

function flag(name: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value === "boolean") return value;
  throw wrong(name, "true or false", value);
}

function tableName(value: unknown): string {
  if (value === undefined) return "session";
  // An identifier goes into statements, so only what needs no quoting; `database.table` is allowed.
  if (typeof value === "string" && /^[A-Za-z0-9_$]{1,64}(\.[A-Za-z0-9_$]{1,64})?$/.test(value)) return value;
  throw wrong(
    "table",
    "a table name of letters, digits, _ and $, perhaps after a database name and a dot",
    value,
  );
}

function logOf(logger: unknown): Log {
  const fits =
    logger === undefined ||
    logger === false ||
    (typeof logger === "object" &&
      logger !== null &&
      (isPinoLike(logger) || typeof (logger as { log?: unknown }).log === "function"));
  if (!fits) throw wrong("logger", "a pino-like logger, an object with log(level, text), or false", logger);
  return toLog(logger as Logger | undefined);
}

function wrong(name: string, expected: string, value: unknown): SessionError {
  return new SessionError("SESSION_OPTION_INVALID", `${name} must be ${expected}, not ${describe(value)}`);
}

/** The kind of a value, and the value itself only where it cannot be a secret. */
function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return `${value} (${typeof value})`;
  if (Array.isArray(value)) return "an array";
  return typeof value;
}
