import { toSessionError } from "../../errors.js";
import { StoreFault } from "../../store.js";
import { ERRORS, type ErrorClass } from "./errors-by-number.js";

export const DUPLICATE_ENTRY = 1062;

/** The table is not as sql/session.sql has it: worth a look, which names the differences. */
export const TABLE: ReadonlySet<number> = new Set([1146, 1054, 1364, 1136]);

/** What was under way when a statement failed. */
export type Stage = "connecting" | "sent";

/**
 * The class of an error of the server. Of a number that the table does not have, the first two characters of
 * its SQLSTATE tell whether the statement itself was wrong; else nothing is known of its effect.
 */
export function classOf(errno: number, sqlState?: string): ErrorClass {
  const listed = ERRORS.get(errno);
  if (listed) return listed;
  switch (sqlState?.slice(0, 2)) {
    // Values, and what they collide with.
    case "22":
    case "23":
      return { kind: "refused", drop: false, one: true };
    // Syntax, names and rights; who may connect.
    case "42":
    case "28":
      return { kind: "refused", drop: false, one: false };
    default:
      return { kind: "unknown", drop: true, one: false };
  }
}

/**
 * Puts an error of mysql2 or Kysely into one of the classes of {@link StoreFault}. No number of a server
 * after sending means that the answer was lost.
 */
export function toFault(error: unknown, stage: Stage): StoreFault {
  if (error instanceof StoreFault) return error;
  const { errno, code } = numberAndCode(error);
  const reason = code ?? (errno === undefined ? "no answer" : `error ${errno}`);
  // Only the number and the name go on: mysql2's errors carry the statement, and with it values.
  const options = { cause: { errno, code } };
  const known = classOfError(error);
  if (known && known.kind !== "unknown")
    return new StoreFault(known.kind, reason, { ...options, mayBeOneEntry: known.one });
  if (isPoolClosed(error)) return new StoreFault("refused", "the pool is closed", options);
  if (stage === "connecting" || neverSent(error)) return new StoreFault("not-applied", reason, options);
  return new StoreFault("unknown", reason, options);
}

/** Of several entries only this can be said now: some have taken effect, some have not. */
export function afterEffect(error: unknown): StoreFault {
  const { message, cause } = error instanceof StoreFault ? error : toSessionError(error);
  return new StoreFault("unknown", message, { cause });
}

/** {@link classOf} an error that is the server's. */
export function classOfError(error: unknown): ErrorClass | undefined {
  const { errno, sqlState } = numberAndCode(error);
  return errno !== undefined && errno >= FIRST ? classOf(errno, sqlState) : undefined;
}

/**
 * Whether an error speaks of the connection or the server, so that the connection must not be used again. A
 * {@link StoreFault} is our own: nothing was sent.
 */
export function endsConnection(error: unknown): boolean {
  if (error instanceof StoreFault) return false;
  return classOfError(error)?.drop ?? true;
}

/** The lowest number of a server; operating systems' numbers are negative in Node. */
const FIRST = 1000;

/**
 * The server's error number (operating system errors have negative ones), the name that mysql2 gives it, and
 * its SQLSTATE.
 */
export function numberAndCode(error: unknown): {
  errno: number | undefined;
  code: string | undefined;
  sqlState: string | undefined;
} {
  const { errno, code, sqlState } = (typeof error === "object" && error !== null ? error : {}) as Record<
    string,
    unknown
  >;
  return {
    errno: typeof errno === "number" ? errno : undefined,
    code: typeof code === "string" ? code : undefined,
    sqlState: typeof sqlState === "string" ? sqlState : undefined,
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

export function isDuplicate(error: unknown): error is StoreFault {
  return error instanceof StoreFault && numberAndCode(error.cause).errno === DUPLICATE_ENTRY;
}
