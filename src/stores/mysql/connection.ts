import { CompiledQuery, type DatabaseConnection } from "kysely";
import { SessionError } from "../../errors.js";
import type { DatabaseClock } from "./database-clock.js";
import { askTime, hearTime, releaseTime, standsStill, TIME, type Time } from "./session-time.js";

/** A quote, a backslash and a character outside the Basic Multilingual Plane: what a wrong set-up mangles first. */
const TEXT = "'\\😀";
/** The largest revision. */
const NUMBER = 2 ** 48 - 1;
const BYTES = Buffer.from([0x00, 0xff]);

/** What statements have to know of a server. */
export interface ServerFacts {
  /** The two spell a table of given values differently. */
  readonly engine: "mariadb" | "mysql";
  /** Replicas run the statements again, so one whose effect depends on what is locked must not be used. */
  readonly logsStatements: boolean;
  /** The longest statement that it takes, in bytes: `max_allowed_packet` of the connection. */
  readonly packetBytes: number;
  /** The connection's time was set when it was checked, as that of every other up to then. */
  readonly isTimeSet: boolean;
}

/**
 * Finds out whether values pass through a connection unchanged; throws `SESSION_CONNECTION_INVALID` if not. mysql2 escapes
 * values itself, by backslashes and in UTF-8, so under `NO_BACKSLASH_ESCAPES`, or with another character set, a session
 * *value* could end its string and run as SQL. Tells what server it is, and `clock` the database's time.
 */
export async function checkConnection(
  connection: DatabaseConnection,
  clock: DatabaseClock,
): Promise<ServerFacts> {
  const [variables] = await ask(
    connection,
    "select @@character_set_client as client, @@character_set_connection as connection," +
      " @@character_set_results as results, @@sql_mode as mode, @@autocommit as autocommit," +
      ` @@sql_safe_updates as safe, @@max_allowed_packet as packet, version() as version, ${TIME}`,
  );
  const server = serverOf(String(variables?.["version"]));
  for (const name of ["client", "connection", "results"] as const) {
    const charset = String(variables?.[name]);
    if (charset !== "utf8mb4") throw invalid(`character_set_${name} is ${charset}, it must be utf8mb4`);
  }
  if (String(variables?.["mode"]).includes("NO_BACKSLASH_ESCAPES")) {
    throw invalid("sql_mode contains NO_BACKSLASH_ESCAPES, which makes escaping by backslash unsafe");
  }
  if (Number(variables?.["autocommit"]) !== 1)
    throw invalid("autocommit is off, so nothing would be committed");
  if (server.engine === "mariadb" && Number(variables?.["safe"]) !== 0)
    throw invalid("sql_safe_updates is on, under which MariaDB refuses to update several rows by their keys");
  const sentAtMs = clock.sending();
  const [echo] = await ask(
    connection,
    `select ? as text, cast(? as unsigned) as number, cast(? as binary(2)) as bytes, ${TIME}`,
    [TEXT, NUMBER, BYTES],
  );
  if (echo?.["text"] !== TEXT) throw invalid("text does not come back as it was sent");
  if (Number(echo["number"]) !== NUMBER) throw invalid("a 48-bit number does not come back as it was sent");
  const bytes = echo["bytes"];
  if (!(bytes instanceof Uint8Array) || !BYTES.equals(bytes)) {
    throw invalid("binary data does not come back as a Buffer (a typeCast of the pool, perhaps)");
  }
  const isTimeSet = await keepTime(connection, clock, {
    before: variables as unknown as Time,
    after: echo as unknown as Time,
    sentAtMs,
  });
  // Not by @@binlog_format, which is on its way out of MySQL.
  const [log] = await ask(connection, "show variables like 'binlog_format'");
  return {
    ...server,
    logsStatements: String(log?.["Value"]).toUpperCase() === "STATEMENT",
    packetBytes: Number(variables?.["packet"]),
    isTimeSet,
  };
}

/**
 * Takes in a connection's time, and answers whether somebody has set it. An application may set that of all its connections, in a test for
 * example. One that is set among others that are not was forgotten in the pool: by it, sessions would live too long, or not long enough.
 */
async function keepTime(
  connection: DatabaseConnection,
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

/** Older ones lack `VALUES ROW()` or `SKIP LOCKED`. */
const OLDEST = { mysql: [8, 0, 19], mariadb: [10, 6, 0] } as const;

/** Errors: `SESSION_CONNECTION_INVALID`. A version that cannot be read is taken to be new enough. */
function serverOf(version: string): Pick<ServerFacts, "engine"> {
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
  return { engine };
}

async function ask(
  connection: DatabaseConnection,
  sql: string,
  parameters: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const { rows } = await connection.executeQuery<Record<string, unknown>>(CompiledQuery.raw(sql, parameters));
  return rows;
}

function invalid(detail: string): SessionError {
  return new SessionError("SESSION_CONNECTION_INVALID", detail);
}
