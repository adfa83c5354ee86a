// The one table of error numbers. docs/operations.md has the same, held equal by
// test/docs/error-numbers.test.ts. Numbers and names are those of the MySQL and MariaDB server error
// references. "Not applied" is only said where the server, or a proxy, cannot have done anything, or surely
// has undone it: everything else is unknown, and read from the row.

/** What an error of the server says of the statement, and of its connection. */
export interface ErrorClass {
  /** As in {@link StoreFault}. */
  readonly kind: "not-applied" | "unknown" | "refused";
  /**
   * It speaks of the connection or of the server behind it: the connection is ended, and the others are
   * looked at before they are used.
   */
  readonly drop: boolean;
  /** One of several rows in the statement may be the reason. */
  readonly one: boolean;
}

/** A line of the table. */
export interface ErrorNumber extends ErrorClass {
  readonly name: string;
  readonly meaning: string;
}

type Line = [errno: number, name: string, meaning: string];

/**
 * Surely without effect; this connection, or the server behind it, takes no writes: tried again on another.
 */
const ELSEWHERE: Line[] = [
  [1036, "ER_OPEN_AS_READONLY", "the table is open for reading only (`innodb_read_only`)"],
  [1040, "ER_CON_COUNT_ERROR", "too many connections"],
  [1047, "ER_UNKNOWN_COM_ERROR", "a Galera node that is not ready, or has lost its cluster"],
  [1099, "ER_TABLE_NOT_LOCKED_FOR_WRITE", "the application left the connection with LOCK TABLES"],
  [1100, "ER_TABLE_NOT_LOCKED", "the application left the connection with LOCK TABLES"],
  [1104, "ER_TOO_BIG_SELECT", "the application left the connection with `max_join_size`"],
  [1129, "ER_HOST_IS_BLOCKED", "this host is blocked after many failed connections"],
  [1203, "ER_TOO_MANY_USER_CONNECTIONS", "too many connections of this account"],
  [1223, "ER_CANT_UPDATE_WITH_READLOCK", "the application left the connection with a read lock"],
  [1290, "ER_OPTION_PREVENTS_STATEMENT", "the server is read-only"],
  [1792, "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION", "the connection's transactions are read-only"],
  [1836, "ER_READ_ONLY_MODE", "the server is read-only"],
  [1874, "ER_INNODB_READ_ONLY", "InnoDB is read-only"],
  [1881, "ER_INNODB_FORCED_RECOVERY", "InnoDB takes no writes (`innodb_force_recovery`)"],
  [
    4031,
    "ER_CLIENT_INTERACTION_TIMEOUT",
    "the server had closed the idle connection; it reads nothing after that",
  ],
];

/** Surely without effect, and worth repeating; the connection is as good as before. */
const AGAIN: Line[] = [
  [1020, "ER_CHECKREAD", "the row changed meanwhile (MariaDB `innodb_snapshot_isolation`)"],
  [1205, "ER_LOCK_WAIT_TIMEOUT", "somebody has the row locked"],
  [1206, "ER_LOCK_TABLE_FULL", "no room for locks"],
  [1213, "ER_LOCK_DEADLOCK", "a deadlock, or a conflict between nodes of Galera: rolled back"],
  [1317, "ER_QUERY_INTERRUPTED", "KILL QUERY: rolled back"],
  [1969, "ER_STATEMENT_TIMEOUT", "MariaDB's `max_statement_time` is up: rolled back"],
  [3024, "ER_QUERY_TIMEOUT", "MySQL's `max_execution_time` is up"],
  [3101, "ER_TRANSACTION_ROLLBACK_DURING_COMMIT", "a conflict in Group Replication: rolled back"],
];

/** As {@link AGAIN}, whatever row it is about. */
const AGAIN_ANY_ROW: Line[] = [
  [1114, "ER_RECORD_FILE_FULL", "the disk or the tablespace is full: rolled back"],
  [1226, "ER_USER_LIMIT_REACHED", "a limit of this account is reached"],
];

/** The answer says nothing of the effect: the row has to tell. The connection is ended. */
const UNCLEAR: Line[] = [
  [1053, "ER_SERVER_SHUTDOWN", "the server is going down"],
  [
    1105,
    "ER_UNKNOWN_ERROR",
    "no reason given; MySQL says it after KILL QUERY at the wrong moment, proxies for much",
  ],
  [1152, "ER_ABORTING_CONNECTION", "the connection is being closed"],
  [1158, "ER_NET_READ_ERROR", "the server could not read from the connection"],
  [1159, "ER_NET_READ_INTERRUPTED", "the server waited too long to read from the connection"],
  [1160, "ER_NET_ERROR_ON_WRITE", "the server could not write to the connection"],
  [1161, "ER_NET_WRITE_INTERRUPTED", "the server waited too long to write to the connection"],
  [1180, "ER_ERROR_DURING_COMMIT", "the commit failed on its way"],
  [1184, "ER_NEW_ABORTING_CONNECTION", "the connection is being closed"],
  [1927, "ER_CONNECTION_KILLED", "KILL CONNECTION"],
  [2006, "CR_SERVER_GONE_ERROR", "a proxy has lost the server"],
  [2013, "CR_SERVER_LOST", "a proxy has lost the server while it waited for the answer"],
  [3032, "ER_SERVER_OFFLINE_MODE", "`offline_mode`: connections are closed, statements under way killed"],
  [3100, "ER_RUN_HOOK_ERROR", "Group Replication could not finish the commit (no majority, perhaps)"],
  [3169, "ER_SESSION_WAS_KILLED", "KILL CONNECTION"],
  [9001, "(ProxySQL)", "ProxySQL found no server in time, perhaps for the second try of a statement"],
];

/** The server refuses the statement, and would again; one row may be the reason. */
const ROW_REFUSED: Line[] = [
  [1366, "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD", "a value does not fit its column"],
  [1644, "ER_SIGNAL_EXCEPTION", "a trigger of yours refuses the row"],
  [3819, "ER_CHECK_CONSTRAINT_VIOLATED", "a constraint of yours refuses the row"],
];

/** The same, whatever the row. */
const REFUSED: Line[] = [
  [1130, "ER_HOST_NOT_PRIVILEGED", "this host may not connect"],
  [1136, "ER_WRONG_VALUE_COUNT_ON_ROW", "the table is not as sql/session.sql has it"],
  [1175, "ER_UPDATE_WITHOUT_KEY_IN_SAFE_MODE", "`sql_safe_updates`"],
  [1193, "ER_UNKNOWN_SYSTEM_VARIABLE", "a server that is not supported"],
  [1267, "ER_CANT_AGGREGATE_2COLLATIONS", "the table's collations are not as sql/session.sql has them"],
  [1364, "ER_NO_DEFAULT_FOR_FIELD", "the table is not as sql/session.sql has it"],
  [3098, "ER_BEFORE_DML_VALIDATION_ERROR", "the table does not suit Group Replication"],
];

/** The same, and the connection is no longer of use. */
const REFUSED_FOR_GOOD: Line[] = [
  [1820, "ER_MUST_CHANGE_PASSWORD", "the account's password has expired"],
  [1862, "ER_MUST_CHANGE_PASSWORD_LOGIN", "the account's password has expired"],
  [3118, "ER_ACCOUNT_HAS_BEEN_LOCKED", "the account is locked (MySQL)"],
  [4151, "ER_ACCOUNT_HAS_BEEN_LOCKED", "the account is locked (MariaDB)"],
];

/** A statement that is too large closes its connection before anything of it is run. */
const TOO_LARGE: Line[] = [
  [1153, "ER_NET_PACKET_TOO_LARGE", "the statement is larger than `max_allowed_packet`"],
];

/** By number. */
export const ERRORS: ReadonlyMap<number, ErrorNumber> = new Map(
  [
    ...lines(ELSEWHERE, { kind: "not-applied", drop: true, one: false }),
    ...lines(AGAIN, { kind: "not-applied", drop: false, one: true }),
    ...lines(AGAIN_ANY_ROW, { kind: "not-applied", drop: false, one: false }),
    ...lines(UNCLEAR, { kind: "unknown", drop: true, one: false }),
    ...lines(ROW_REFUSED, { kind: "refused", drop: false, one: true }),
    ...lines(REFUSED, { kind: "refused", drop: false, one: false }),
    ...lines(REFUSED_FOR_GOOD, { kind: "refused", drop: true, one: false }),
    ...lines(TOO_LARGE, { kind: "refused", drop: true, one: true }),
  ].sort(([one], [other]) => one - other),
);

function lines(list: readonly Line[], its: ErrorClass): [number, ErrorNumber][] {
  return list.map(([errno, name, meaning]) => [errno, { name, meaning, ...its }]);
}
