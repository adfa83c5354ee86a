import type { Socket } from "socket.io";
import type { Clock } from "./base/clock.js";
import { systemClock } from "./base/clock.js";
import { isPinoLike, type Log, type Logger, toLog } from "./base/log.js";
import {
  type Completed,
  complete,
  flag,
  invalidOption,
  isWhole,
  type Option,
  type OptionsOf,
  oneOf,
  optional,
  optionalFunction,
  same,
  text,
  unchecked,
  wholeNumber,
} from "./base/option-table.js";
import { Facts } from "./facts.js";
import { LONGEST, type Seconds, type StoreFactory, VISIT_GAP } from "./store.js";
import type { Database } from "./stores/mysql/db-kinds.js";
import { ticketSecrets } from "./token/tickets.js";

/** What {@link tokenSession} takes. Exactly one of `db` and `store` is needed. */
export interface TokenSessionOptions {
  /**
   * The MySQL or MariaDB database: a mysql2 pool (of `mysql2` or `mysql2/promise`), a Kysely instance for
   * MySQL (its plugins are not used), or a single mysql2 connection, which works but does not reconnect. It
   * stays yours: it is never closed. @default none: this or `store` is needed
   */
  db?: Database;
  /**
   * Another place for the rows: `memoryStore()` in development, `fromConnectStore(…)`, or a store of your
   * own.
   * @default none
   */
  store?: StoreFactory;
  /** Name of the table. @default "session" */
  table?: string;
  /**
   * Idle time: a session that is not used for so long ends, never before that and at most `touchEvery` later.
   * Seconds, 10 to 2 147 483 647. @default 86 400 (a day)
   */
  expiration?: Seconds;
  /**
   * Longest life of a session since its creation, however much it is used. Seconds, 1 to 2 147 483 647.
   * @default 7 776 000 (90 days)
   */
  absoluteExpiration?: Seconds;
  /**
   * Use of a session is written to its row about this often, and so much later than its idle time a session
   * may end. Seconds, 1 to expiration / 4. Of a session with an idle time of its own (a cookie's `maxAge`),
   * at most a quarter of that.
   * @default expiration / 24, from 1 to 900: half of the gap between two visits
   */
  touchEvery?: Seconds;
  /**
   * What counts as use. `"connection"`: a connected socket does, also one that only listens. `"events"`: only
   * what a client sends, opening included; the strict reading of idle time, for applications that must end an
   * unattended session. @default "connection"
   */
  idle?: "connection" | "events";
  /**
   * Live sessions are compared with their rows this often, so that what other processes wrote or ended is
   * noticed without a cluster adapter too. Seconds, 1 to expiration / 4. @default 30, or expiration / 4 if
   * that is less
   */
  revalidate?: Seconds;
  /**
   * How fresh the values are that a handler finds. `"connection"`: read when the session is opened, kept
   * fresh by what a cluster adapter announces and by {@link revalidate}. `"event"`: not older than the event;
   * each event of a client that has a session is passed on only after a look at its row. What waits meanwhile
   * waits in order, at most 1000 events or about 1 MiB a socket; while the store cannot be reached, until it
   * can. Seconds, 1 to expiration / 4: the look is left out where the last one was no longer ago. A look is
   * by the row's revision alone, and looks of many sockets are one statement. @default "connection"
   *
   * @example
   * tokenSession({ db: pool, freshness: "event" });
   * tokenSession({ db: pool, freshness: 5 });
   */
  freshness?: "connection" | "event" | Seconds;
  /**
   * Whether this process deletes rows that expired more than an hour ago, about every ten minutes. `false`
   * where the database does it (`sql/prune.sql`) or something else calls `sessions.prune()`. @default true
   */
  prune?: boolean;
  /**
   * Accepts tokens of `socket.io-mysql-session` too, and takes its rows over, once its table has become ours
   * by `sql/adopt.sql`. @default false
   */
  legacyTokens?: boolean;
  /**
   * Whether the client script is served beside Socket.IO's own, as `/socket.io/socket.io-token-session.js`
   * (or under the `path` of the Socket.IO server). It makes a global function `tokenSession`. @default true
   */
  serveClient?: boolean;
  /** Longest JSON text of one session's values. Bytes, 2 to 16 777 215 (MEDIUMTEXT). @default 65 536 */
  maxBytes?: number;
  /**
   * How many sessions a user may be logged in to at a time, 1 to 1000: when `login` would make one more, the
   * one whose login is the oldest ends, with the reason `"replaced"`. Give all servers the same.
   * @default no limit
   */
  maxPerUser?: number;
  /**
   * How long an operation waits for an unreachable store, retrying, before it says so. Seconds, 1 to 3600.
   * @default 10
   */
  storeTimeout?: Seconds;
  /**
   * Every socket must have a session: events wait until it has one, and a socket without one after 20 seconds
   * is disconnected. While the store cannot be reached the connection is closed, so that the client comes
   * back later.
   * @default false
   */
  required?: boolean;
  /**
   * The address that a new socket counts under, for a limit on new sessions: 60 at once, then one a second.
   * Give it only where an address stands for few people: mobile carriers put thousands of phones behind one.
   * `undefined` is not limited. Behind a proxy that you trust it is what the proxy says. @default no limit by
   * address
   *
   * @example
   * addressOf: (socket) => socket.handshake.address
   */
  addressOf?: (socket: Socket) => string | undefined;
  /**
   * Another credential than a token, in the handshake of a socket that brings no token: the session id of a
   * cookie, mostly, as {@link fromCookie} and {@link fromKoaCookie} find it. Any function of the handshake
   * will do; what it gives is a credential of at least 16 characters that nobody can guess, or `undefined`.
   * It is given all cookies, also the one that sockets do not show (see `cookieSecret`). Such a socket has
   * its session when `connection` fires, if there is one; it is never told its credential, and `login()` and
   * its like reject with `SESSION_NOT_CONFIRMED` there: HTTP changes cookies. @default none
   */
  identify?: (handshake: Socket["handshake"]) => string | undefined | Promise<string | undefined>;
  /**
   * For `sessions.express({ cookie })`: what encrypts tokens on their way through a page's script. At least
   * 32 characters, secret, and the same on all servers. A list to change it: the first seals, all open. A
   * server that has it shows that cookie in no handshake, whether it sets it itself or not. @default none
   *
   * @example
   * cookieSecret: [newSecret, oldSecret]
   */
  cookieSecret?: string | readonly string[];
  /**
   * pino, a logger like it, an object with `log(level, text)` as the old package took, or `false`.
   * @default pino()
   */
  logger?: Logger;
  /** Time itself. For tests. @internal */
  clock?: Clock;
}

const MEDIUMTEXT_BYTES = 16_777_215;

interface Expiring {
  readonly expiration: Seconds;
}

const quarter = ({ expiration }: Expiring) => Math.floor(expiration / 4);

/** Each option once: what it may be, and what it is otherwise. What others depend on stands before them. */
export const serverOptions = {
  // The store that is made of it says what is wrong with it.
  db: unchecked<Database, undefined>(undefined),
  store: optionalFunction<StoreFactory>("a store factory such as memoryStore()"),
  table: text(
    // An identifier goes into statements, so only what needs no quoting; `database.table` is allowed.
    (name) => /^[A-Za-z0-9_$]{1,64}(\.[A-Za-z0-9_$]{1,64})?$/.test(name),
    "a table name of letters, digits, _ and $, perhaps after a database name and a dot",
    "session",
  ),
  expiration: wholeNumber({ least: 10, most: LONGEST }, 86_400),
  absoluteExpiration: wholeNumber({ least: 1, most: LONGEST }, 7_776_000),
  touchEvery: wholeNumber({ least: 1, most: quarter }, ({ expiration }: Expiring) =>
    Math.max(1, Math.min(VISIT_GAP / 2, Math.floor(expiration / 24))),
  ),
  idle: oneOf(["connection", "events"], "connection"),
  revalidate: wholeNumber({ least: 1, most: quarter }, (others: Expiring) => Math.min(30, quarter(others))),
  freshness: freshness(),
  prune: flag(true),
  legacyTokens: flag(false),
  addressOf: optionalFunction<NonNullable<TokenSessionOptions["addressOf"]>>("a function of a socket"),
  serveClient: flag(true),
  maxBytes: wholeNumber({ least: 2, most: MEDIUMTEXT_BYTES }, 65_536),
  maxPerUser: optional((value): value is number => isWhole(value, 1, 1000), "a whole number from 1 to 1000"),
  storeTimeout: wholeNumber({ least: 1, most: 3600 }, 10),
  required: flag(false),
  identify: optionalFunction<NonNullable<TokenSessionOptions["identify"]>>(
    "a function of a handshake, such as fromCookie(…)",
  ),
  cookieSecret: ticketSecrets,
  logger: logger(),
  clock: unchecked<Clock>(systemClock),
} satisfies OptionsOf<TokenSessionOptions>;

type Values = Completed<typeof serverOptions>;

/** Options checked, completed and frozen. */
export interface Settings extends Omit<Values, "logger"> {
  readonly log: Log;
  /** Tells what happens inside; there is one for each `tokenSession()`. */
  readonly facts: Facts;
}

/** Checks all options once and completes them. Errors: `SESSION_OPTION_INVALID`. */
export function toSettings(options: TokenSessionOptions): Settings {
  const { logger: log, ...values } = complete(serverOptions, options);
  if (values.db !== undefined && values.store !== undefined)
    throw invalidOption("give either db or store, not both");
  return Object.freeze({ ...values, log, facts: new Facts() });
}

type Freshness = NonNullable<TokenSessionOptions["freshness"]>;

function freshness(): Option<Freshness, Freshness, Expiring> {
  return {
    accepts: (value, others): value is Freshness =>
      value === "connection" || value === "event" || isWhole(value, 1, quarter(others)),
    mustBe: (others) => `"connection", "event" or a whole number from 1 to ${quarter(others)}`,
    toValue: same,
    otherwise: () => "connection",
  };
}

function logger(): Option<Logger, Log> {
  return {
    accepts: (value): value is Logger =>
      value === false ||
      (typeof value === "object" &&
        value !== null &&
        (isPinoLike(value) || ("log" in value && typeof value.log === "function"))),
    mustBe: () => "a pino-like logger, an object with log(level, text), or false",
    toValue: toLog,
    otherwise: () => toLog(undefined),
  };
}
