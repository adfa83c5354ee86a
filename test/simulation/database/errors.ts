/** An error as mysql2 gives it. */
export interface DatabaseError extends Error {
  errno?: number;
  code?: string;
  sqlState?: string;
  fatal?: boolean;
}

/** Of those whose name or SQLSTATE makes a difference. */
const NAMES: Readonly<Record<number, [code: string, sqlState: string]>> = {
  1020: ["ER_CHECKREAD", "HY000"],
  1040: ["ER_CON_COUNT_ERROR", "08004"],
  1047: ["ER_UNKNOWN_COM_ERROR", "08S01"],
  1053: ["ER_SERVER_SHUTDOWN", "08S01"],
  1062: ["ER_DUP_ENTRY", "23000"],
  1114: ["ER_RECORD_FILE_FULL", "HY000"],
  1193: ["ER_UNKNOWN_SYSTEM_VARIABLE", "HY000"],
  1205: ["ER_LOCK_WAIT_TIMEOUT", "HY000"],
  1213: ["ER_LOCK_DEADLOCK", "40001"],
  1290: ["ER_OPTION_PREVENTS_STATEMENT", "HY000"],
  1317: ["ER_QUERY_INTERRUPTED", "70100"],
  1690: ["ER_DATA_OUT_OF_RANGE", "22003"],
  1792: ["ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION", "25006"],
  1836: ["ER_READ_ONLY_MODE", "HY000"],
  3024: ["ER_QUERY_TIMEOUT", "HY000"],
  1146: ["ER_NO_SUCH_TABLE", "42S02"],
  1364: ["ER_NO_DEFAULT_FOR_FIELD", "HY000"],
  1406: ["ER_DATA_TOO_LONG", "22001"],
  1637: ["ER_TOO_MANY_CONCURRENT_TRXS", "HY000"],
  3101: ["ER_TRANSACTION_ROLLBACK_DURING_COMMIT", "40000"],
};

export function databaseError(errno: number, message = ""): DatabaseError {
  const [code = "UNKNOWN", sqlState = "HY000"] = NAMES[errno] ?? [];
  return Object.assign(new Error(message || code), { errno, code, sqlState });
}

/** The connection has gone. */
export function connectionLost(
  code: "PROTOCOL_CONNECTION_LOST" | "ECONNRESET" | "ECONNREFUSED",
): DatabaseError {
  const error: DatabaseError = Object.assign(new Error(code), { code, fatal: true });
  if (code !== "PROTOCOL_CONNECTION_LOST") error.errno = code === "ECONNRESET" ? -104 : -111;
  return error;
}
