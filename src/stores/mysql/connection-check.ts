import { SessionError } from "../../errors.js";
import { readInTime } from "./cluster-settings.js";
import { guardOf, type KnownState, type StateNames } from "./connection-state.js";
import type { DatabaseClock } from "./database-clock.js";
import { numberAndCode } from "./faults.js";
import type { LentConnection } from "./lent-connection.js";
import type { ServerFacts } from "./server-facts.js";
import { askTime, hearTime, releaseTime, standsStill, TIME, type Time } from "./session-time.js";

/**
 * A quote, a backslash and a character outside the Basic Multilingual Plane: what a wrong set-up mangles
 * first.
 */
const TEXT = "'\\😀";
/** The largest revision. */
const NUMBER = 2 ** 53 - 1;
const BYTES = Buffer.from([0x00, 0xff]);

/** A connection that was found fit. */
export interface CheckedConnection {
  readonly server: ServerFacts;
  readonly names: StateNames;
  readonly found: KnownState;
  /** The account may write on a read-only server. */
  readonly ignoresReadOnly: boolean;
}

/**
 * Finds out whether values pass through a connection unchanged; throws `SESSION_CONNECTION_INVALID` if not.
 * mysql2 escapes values itself, by backslashes and in UTF-8, so under `NO_BACKSLASH_ESCAPES`, or with another
 * character set, a session *value* could end its string and run as SQL. Every SELECT has a LIMIT:
 * `sql_select_limit` may be anything.
 *
 * `database`: the schema that it must be in, where that is known. `clock` is told the database's time.
 */
export async function checkConnection(
  connection: Asked,
  clock: DatabaseClock,
  { database }: { database?: string | null | undefined } = {},
): Promise<CheckedConnection> {
  const [variables] = await ask(
    connection,
    "select @@character_set_client as client, @@character_set_connection as connection," +
      " @@character_set_results as results, @@sql_mode as mode, @@autocommit as autocommit," +
      " @@sql_safe_updates as safe, version() as version, database() as `schema`, current_user() as account," +
      ` current_role() as role, @@max_allowed_packet as packet, ${TIME} limit 1`,
  );
  if (typeof variables?.["version"] !== "string")
    throw invalid("rows do not come back as objects (rowsAsArray or nestTables of the pool, perhaps)");
  const names = namesOf(variables["version"]);
  for (const name of ["client", "connection", "results"] as const) {
    const charset = String(variables?.[name]);
    if (charset !== "utf8mb4") throw invalid(`character_set_${name} is ${charset}, it must be utf8mb4`);
  }
  if (String(variables?.["mode"]).includes("NO_BACKSLASH_ESCAPES")) {
    throw invalid("sql_mode contains NO_BACKSLASH_ESCAPES, which makes escaping by backslash unsafe");
  }
  if (Number(variables?.["autocommit"]) !== 1)
    throw invalid("autocommit is off, so nothing would be committed");
  if (names.engine === "mariadb" && Number(variables?.["safe"]) !== 0)
    throw invalid("sql_safe_updates is on, under which MariaDB refuses to update several rows by their keys");
  const sentAtMs = clock.sending();
  const [echo] = await ask(
    connection,
    `select ? as text, cast(? as unsigned) as number, cast(? as binary(2)) as bytes, ${TIME} limit 1`,
    [TEXT, NUMBER, BYTES],
  );
  if (echo?.["text"] !== TEXT) throw invalid("text does not come back as it was sent");
  if (Number(echo["number"]) !== NUMBER) throw invalid("a 53-bit number does not come back as it was sent");
  const bytes = echo["bytes"];
  if (!(bytes instanceof Uint8Array) || !BYTES.equals(bytes)) {
    throw invalid("binary data does not come back as a Buffer (a typeCast of the pool, perhaps)");
  }
  const isTimeSet = await keepTime(connection, clock, {
    before: variables as unknown as Time,
    after: echo as unknown as Time,
    sentAtMs,
  });
  const [transactions] = await ask(
    connection,
    `select @@${names.isolation} as isolation, @@${names.readOnly} as readOnly limit 1`,
  );
  if (String(transactions?.["isolation"]) === "READ-UNCOMMITTED")
    throw invalid(
      "the isolation level is READ UNCOMMITTED, under which what is rolled back later is read as saved",
    );
  if (Number(transactions?.["readOnly"]) !== 0)
    throw invalid(`${names.readOnly} is on, so nothing can be written`);
  const cluster = await readInTime(connection, names.engine);
  const found = { ...foundIn(variables, database), isTimeSet, readsInTime: cluster?.isEnough };
  return {
    server: {
      engine: names.engine,
      logsStatements: await logsStatements(connection),
      packetBytes: Number(variables?.["packet"]),
      guard: guardOf(names),
      cluster,
    },
    names,
    found,
    ignoresReadOnly: await mayIgnoreReadOnly(connection),
  };
}

/**
 * Takes in a connection's time, and answers whether somebody has set it. An application may set that of all
 * its connections, in a test for example. One that is set among others that are not was forgotten in the
 * pool: by it, sessions would live too long, or not long enough.
 */
async function keepTime(
  connection: Asked,
  clock: DatabaseClock,
  { before, after, sentAtMs }: { before: Time; after: Time; sentAtMs: number },
): Promise<boolean> {
  const isSet = standsStill(before, after);
  if (isSet && clock.hasRun) {
    await releaseTime(connection);
    await askTime(connection, clock);
    return false;
  }
  if (!isSet) clock.hasRun = true;
  hearTime(clock, after, sentAtMs);
  return isSet;
}

/** Errors: `SESSION_CONNECTION_INVALID`. A table without a schema would be another one in another schema. */
function foundIn(
  variables: Record<string, unknown> | undefined,
  database: string | null | undefined,
): Omit<KnownState, "isTimeSet" | "readsInTime"> {
  const found = {
    database: textOrNull(variables?.["schema"]),
    account: String(variables?.["account"]),
    role: textOrNull(variables?.["role"]),
  };
  // Some servers keep names in small letters.
  if (database !== undefined && found.database?.toLowerCase() !== database?.toLowerCase())
    throw invalid(
      `it is in the database ${found.database}, others are in ${database}; name the table with its database in the option table`,
    );
  return found;
}

function textOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

async function logsStatements(connection: Asked): Promise<boolean> {
  try {
    const [log] = await ask(connection, "select @@binlog_format as format limit 1");
    return String(log?.["format"]).toUpperCase() === "STATEMENT";
  } catch (error) {
    // On its way out of MySQL: then rows are logged.
    if (numberAndCode(error).errno === UNKNOWN_VARIABLE) return false;
    throw error;
  }
}

const UNKNOWN_VARIABLE = 1193;
/** As `SHOW GRANTS` spells the rights that a server's `read_only` does not bind. */
const UNBOUND =
  /^GRANT .*\b(ALL PRIVILEGES|SUPER|CONNECTION_ADMIN|READ_ONLY ADMIN|READ ONLY ADMIN)\b.* ON \*\.\*/;

async function mayIgnoreReadOnly(connection: Asked): Promise<boolean> {
  const grants = await ask(connection, "show grants");
  return grants.some((row) => Object.values(row).some((grant) => UNBOUND.test(String(grant))));
}

/** Older ones lack `VALUES ROW()` or `SKIP LOCKED`. */
const OLDEST = { mysql: [8, 0, 19], mariadb: [10, 6, 0] } as const;

/** Errors: `SESSION_CONNECTION_INVALID`. A version that cannot be read is taken to be new enough. */
function namesOf(version: string): StateNames {
  const mariadb = /(\d+)\.(\d+)\.(\d+)-mariadb/i.exec(version);
  const engine = mariadb || /mariadb/i.test(version) ? "mariadb" : "mysql";
  const numbers = (mariadb ?? /^(\d+)\.(\d+)\.(\d+)/.exec(version))?.slice(1).map(Number) ?? [];
  const oldest = OLDEST[engine];
  for (const [n, least] of oldest.entries()) {
    const number = numbers[n];
    if (number === undefined || number > least) break;
    if (number < least)
      throw invalid(`the server is ${version}, it must be ${engine} ${oldest.join(".")} or later`);
  }
  // MariaDB took over MySQL's names in 11.1.
  const prefix = engine === "mariadb" && !isAtLeast(numbers, 11, 1) ? "tx" : "transaction";
  return { engine, isolation: `${prefix}_isolation`, readOnly: `${prefix}_read_only` };
}

function isAtLeast(
  [major = 0, minor = 0]: readonly number[],
  wantedMajor: number,
  wantedMinor: number,
): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** What is asked. */
type Asked = Pick<LentConnection, "ask">;

async function ask(
  connection: Asked,
  sql: string,
  parameters: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const { rows } = await connection.ask<Record<string, unknown>>(sql, parameters);
  return rows;
}

function invalid(detail: string): SessionError {
  return new SessionError("SESSION_CONNECTION_INVALID", detail);
}
