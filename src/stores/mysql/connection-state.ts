// What a server and a connection must be like for an answer to be believed, as SQL that the server works out
// itself: 0 where all is well, else the sum of what is not.
import { classOfError } from "./faults.js";
import { type Answer, IN_TRANSACTION, type LentConnection, NO_BACKSLASH_ESCAPES } from "./lent-connection.js";
import { TIME_IS_RIGHT } from "./session-time.js";

/** The kinds of what may be wrong, by their number in the sum. */
const READ_ONLY = 1;
const UNCOMMITTED = 2;
const TRANSACTION = 4;
const SETTINGS = 8;
const ELSEWHERE = 16;

/** Names differ between servers: what `SHOW VARIABLES` has says which there are. */
export interface StateNames {
  readonly engine: "mariadb" | "mysql";
  /** `transaction_isolation`, on older MariaDB `tx_isolation`. */
  readonly isolation: string;
  /** `transaction_read_only` or `tx_read_only`. */
  readonly readOnly: string;
}

/**
 * What goes into every SELECT. MySQL has no variable for "in a transaction".
 *
 * `read_only` is a number or, on newer MariaDB, a word, and is on wherever MySQL's `super_read_only` is.
 */
export function stateOf({ engine, isolation }: StateNames): string {
  const inTransaction = engine === "mariadb" ? ` + if(@@in_transaction, ${TRANSACTION}, 0)` : "";
  return (
    `if(concat(@@read_only) in ('0', 'OFF') and @@innodb_read_only = 0, 0, ${READ_ONLY})` +
    ` + if(@@${isolation} = 'READ-UNCOMMITTED', ${UNCOMMITTED}, 0)${inTransaction}`
  );
}

/** More than any number of the server has room for, unless 0 is added to it. */
const LARGEST = "18446744073709551615";

/**
 * A condition that is true, or makes the statement fail. It is constant, so the server works it out once,
 * before it looks for rows: also where there are none to find. Only for SELECT: replicas would run it again
 * in a statement that writes.
 */
export function guardOf(names: StateNames): string {
  return `${LARGEST} + (${stateOf(names)}) > 0`;
}

/** Whether {@link guardOf} was what failed. */
export function isGuardError(error: unknown): boolean {
  const { errno, message } = (typeof error === "object" && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  return errno === 1690 && typeof message === "string" && message.includes(LARGEST);
}

/** What a connection was like when it was found fit. */
export interface KnownState {
  readonly database: string | null;
  readonly account: string;
  readonly role: string | null;
  /** The connection's time was set when it was checked, as that of every other up to then. */
  readonly isTimeSet: boolean;
  /**
   * SQL that is true as long as the reads of the connection come in time; `undefined` where the server is in
   * no cluster.
   */
  readonly readsInTime: string | undefined;
}

/**
 * The state with what an application can change on a connection. Takes what {@link KnownState} has, in that
 * order.
 */
function wholeState(names: StateNames, { isTimeSet, readsInTime }: KnownState): string {
  const charsets = ["client", "connection", "results"].map((name) => `@@character_set_${name} = 'utf8mb4'`);
  const settings = [
    ...charsets,
    "@@autocommit = 1",
    "find_in_set('NO_BACKSLASH_ESCAPES', @@sql_mode) = 0",
    `@@${names.readOnly} = 0`,
    ...(isTimeSet ? [] : [TIME_IS_RIGHT]),
    ...(readsInTime ? [readsInTime] : []),
    ...(names.engine === "mariadb" ? ["@@sql_safe_updates = 0"] : []),
  ];
  return (
    `${stateOf(names)} + if(${settings.join(" and ")}, 0, ${SETTINGS})` +
    ` + if(database() <=> ? and current_user() = ? and current_role() <=> ?, 0, ${ELSEWHERE})`
  );
}

/** Why an answer on a connection is not to be believed. */
export interface Unfit {
  /** What it speaks of: the server behind it, or what was done to the connection. */
  readonly kind: "server" | "transaction" | "settings";
  /** For the log. */
  readonly reason: string;
}

/**
 * Looks whether a connection that was found fit still is; by one statement where the driver shows the
 * server's flags. It names the table, by a name of its own, because a connection that was left with `LOCK
 * TABLES` refuses that.
 */
export async function findUnfit(
  lent: LentConnection,
  names: StateNames,
  found: KnownState,
  table: string,
): Promise<Unfit | undefined> {
  const whole = wholeState(names, found);
  const unlocked = `${whole} + coalesce((select 0 from ${table} as lookedAt limit 0), 0)`;
  const parameters = [found.database, found.account, found.role];
  try {
    if (lent.showsFlags) {
      // The flags come with answers that have no rows. A text that is no number gives a warning.
      const answer = await lent.ask(`do if((${unlocked}) = 0, 0, cast('x' as signed))`, parameters);
      const unfit = unfitByAnswer(answer);
      if (unfit || answer.warnings === 0) return unfit;
    } else if (await isInTransaction(lent, names)) return { kind: "transaction", reason: IN_A_TRANSACTION };
    return unfitBy(await askState(lent, unlocked, parameters));
  } catch (error) {
    // Without a table, or a right to it, the statement itself will be refused, and says more.
    if (classOfError(error)?.kind !== "refused") throw error;
    return unfitBy(await askState(lent, whole, parameters));
  }
}

async function askState(
  lent: LentConnection,
  state: string,
  parameters: readonly unknown[],
): Promise<unknown> {
  const { rows } = await lent.ask<{ state: unknown }>(`select ${state} as state limit 1`, parameters);
  return rows[0]?.state;
}

/** The reason for a state that is not 0. */
function unfitBy(given: unknown): Unfit | undefined {
  const state = Number(given);
  if (state === 0) return undefined;
  if ((state & READ_ONLY) !== 0) return { kind: "server", reason: "the server is read-only" };
  if ((state & TRANSACTION) !== 0) return { kind: "transaction", reason: IN_A_TRANSACTION };
  if ((state & UNCOMMITTED) !== 0)
    return { kind: "settings", reason: "the isolation level has become READ UNCOMMITTED" };
  if ((state & ELSEWHERE) !== 0)
    return {
      kind: "settings",
      reason: "the database, the account or the role of the connection has changed",
    };
  return {
    kind: "settings",
    reason: "character set, sql_mode, autocommit, timestamp or read-only have been changed",
  };
}

const IN_A_TRANSACTION = "the connection is in a transaction that is not ours";

/** For drivers that show no flags: within a transaction this is refused, outside it changes nothing. */
async function isInTransaction(lent: LentConnection, { engine }: StateNames): Promise<boolean> {
  // MariaDB tells by a variable, which is part of the state.
  if (engine === "mariadb") return false;
  try {
    await lent.ask("set transaction read write", []);
    return false;
  } catch (error) {
    if ((error as { errno?: unknown } | null)?.errno === 1568) return true;
    throw error;
  }
}

/**
 * What the answer to a write says of the connection that it came by: nothing, or why it is not to be
 * believed.
 */
export function unfitByAnswer({ flags }: Answer<unknown>): Unfit | undefined {
  if (flags === undefined) return undefined;
  if ((flags & IN_TRANSACTION) !== 0) return { kind: "transaction", reason: IN_A_TRANSACTION };
  if ((flags & NO_BACKSLASH_ESCAPES) !== 0)
    return { kind: "settings", reason: "sql_mode contains NO_BACKSLASH_ESCAPES" };
  return undefined;
}
