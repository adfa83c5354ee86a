import { StoreFault } from "../../store.js";

// Error numbers and names are those of the MySQL and MariaDB server error references; the names are mysql2's `code`.

/** Surely without effect, and worth repeating. */
export const NOT_APPLIED: ReadonlyMap<number, string> = new Map([
  [1213, "ER_LOCK_DEADLOCK"],
  [1205, "ER_LOCK_WAIT_TIMEOUT"],
  [1317, "ER_QUERY_INTERRUPTED"],
  [3024, "ER_QUERY_TIMEOUT (MySQL max_execution_time)"],
  [1969, "ER_STATEMENT_TIMEOUT (MariaDB max_statement_time)"],
  [1290, "ER_OPTION_PREVENTS_STATEMENT (--read-only)"],
  [1836, "ER_READ_ONLY_MODE"],
  [1040, "ER_CON_COUNT_ERROR"],
  [1203, "ER_TOO_MANY_USER_CONNECTIONS"],
  [1226, "ER_USER_LIMIT_REACHED (an account's own max_user_connections)"],
]);

/** Of these, what says nothing of the statement: the server takes no statements, or none that write, or none of this account. */
const OF_THE_SERVER = new Set([1290, 1836, 1040, 1203, 1226]);

/** The answer is missing or says nothing of the effect: the row has to tell. */
export const UNKNOWN: ReadonlyMap<number, string> = new Map([
  [1053, "ER_SERVER_SHUTDOWN"],
  [1180, "ER_ERROR_DURING_COMMIT"],
  [1927, "ER_CONNECTION_KILLED"],
]);

/** The table is not as sql/session.sql has it. */
export const TABLE: ReadonlyMap<number, string> = new Map([
  [1146, "ER_NO_SUCH_TABLE"],
  [1054, "ER_BAD_FIELD_ERROR"],
  [1364, "ER_NO_DEFAULT_FOR_FIELD"],
  [1136, "ER_WRONG_VALUE_COUNT_ON_ROW"],
]);

export const DUPLICATE_ENTRY = 1062;

/** Refusals that no single row is the reason of: rights, syntax. */
const OF_ANY_ROW = new Set([1044, 1045, 1142, 1143, 1227, 1064, 1370]);

/** What was under way when a statement failed. */
export type Stage = "connecting" | "sent";

/**
 * Puts an error of mysql2 or Kysely into one of the classes of {@link StoreFault}. A number that no class lists is an answer
 * of the server that refuses the statement; no number at all after sending means that the answer was lost.
 */
export function toFault(error: unknown, stage: Stage): StoreFault {
  if (error instanceof StoreFault) return error;
  const { errno, code } = numberAndCode(error);
  const reason = code ?? (errno === undefined ? "no answer" : `error ${errno}`);
  // Only the number and the name go on: mysql2's errors carry the statement, and with it values.
  const options = { cause: { errno, code } };
  if (errno !== undefined && NOT_APPLIED.has(errno)) {
    return new StoreFault("not-applied", reason, { ...options, mayBeOneEntry: !OF_THE_SERVER.has(errno) });
  }
  if (errno !== undefined && errno >= 1000 && !UNKNOWN.has(errno)) {
    const mayBeOneEntry = !OF_ANY_ROW.has(errno) && !TABLE.has(errno);
    return new StoreFault("refused", reason, { ...options, mayBeOneEntry });
  }
  if (isPoolClosed(error)) return new StoreFault("refused", "the pool is closed", options);
  if (stage === "connecting" || neverSent(error)) return new StoreFault("not-applied", reason, options);
  return new StoreFault("unknown", reason, options);
}

/** The server's error number (operating system errors have negative ones) and the name that mysql2 gives it. */
export function numberAndCode(error: unknown): { errno: number | undefined; code: string | undefined } {
  const { errno, code } = (typeof error === "object" && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  return {
    errno: typeof errno === "number" ? errno : undefined,
    code: typeof code === "string" ? code : undefined,
  };
}

/** mysql2 gives these two no code. */
function isPoolClosed(error: unknown): boolean {
  return error instanceof Error && error.message === "Pool is closed.";
}

function neverSent(error: unknown): boolean {
  return (
    error instanceof Error &&
    error.message.startsWith("Can't add new command when connection is in closed state")
  );
}
