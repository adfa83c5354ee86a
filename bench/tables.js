// @ts-check
// Tables of ours with many rows, made by the database itself: a million would take minutes by any other way.
import { createHash } from "node:crypto";
import { applySql, tableFile } from "../scripts/dba.js";
import { data } from "./sessions.js";

/** @typedef {import("mysql2/promise").Connection} Connection */
/** @typedef {import("./sessions.js").Holder} Holder */

/** Rows that one statement inserts: 10^4, by a product of digits, which both databases know. */
const AT_ONCE = 10_000;
const digits = `(SELECT 0 AS d ${Array.from({ length: 9 }, (_, n) => `UNION ALL SELECT ${n + 1}`).join(" ")})`;

/** Row n has an id of its own time, a second after that of row n - 1, as UUIDv7 has it … */
const firstMs = 1_600_000_000_000;
const idOfRow = `LOWER(CONCAT(LPAD(HEX(${firstMs} + n * 1000), 12, '0'), '7', LEFT(SHA2(n, 256), 3), '8', SUBSTR(SHA2(n, 256), 4, 15)))`;
/**
 * … and a secret that is no secret: whoever knows the id knows it, so any row of a benchmark can be opened.
 */
const secretEnd = "-benchmark-";

const day = 86_400;
const living = `UNIX_TIMESTAMP() + ${day}`;
/** The sessions of a week, each used for up to a day: their ends come in another order than their ids. */
const expired = (/** @type {number} */ first, /** @type {number} */ rows) =>
  `UNIX_TIMESTAMP() - 3700 - FLOOR((${first + rows} - n) * ${(7 * day) / rows}) - CRC32(n) % ${day}`;

/**
 * An empty table as sql/session.sql has it, by another name.
 * @param {Connection} connection
 * @param {string} table
 */
export async function makeEmptyTable(connection, table) {
  await connection.query(`DROP TABLE IF EXISTS \`${table}\``);
  await applySql(connection, tableFile, { "CREATE TABLE `session`": `CREATE TABLE \`${table}\`` });
}

/**
 * Inserts rows `first` to `first + rows - 1`, in the order of their ids, each with about 200 bytes of values.
 * @param {Connection} connection
 * @param {{ table?: string, first?: number, rows: number, isExpired?: boolean, values?: string }} options
 */
export async function insertRows(
  connection,
  { table = "session", first = 0, rows, isExpired = false, values = data },
) {
  const expires = isExpired ? expired(first, rows) : living;
  for (let at = 0; at < rows; at += AT_ONCE) {
    const count = Math.min(AT_ONCE, rows - at);
    await connection.query(
      `INSERT INTO \`${table}\`
        (sessionId, expires, data, secretHash, revision, writers, createdAt, visitedAt)
      SELECT id, ${expires}, ?, UNHEX(SHA2(CONCAT(id, '${secretEnd}'), 256)), CRC32(id), UNHEX(LEFT(SHA2(id, 256), 32)),
        UNIX_TIMESTAMP(), UNIX_TIMESTAMP()
      FROM (
        SELECT n, ${idOfRow} AS id
        FROM (SELECT ${first + at} + a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n
          FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e) numbers
        WHERE n < ${first + at + count}
      ) named ORDER BY id`,
      [values],
    );
  }
  // What the server knows of the table must not depend on when it last looked.
  await connection.query(`ANALYZE TABLE \`${table}\``);
}

/**
 * Who holds some of these rows, evenly spread over all of them.
 * @param {{ first?: number, rows: number, count: number }} options
 * @returns {Holder[]}
 */
export function holdersOf({ first = 0, rows, count }) {
  return Array.from({ length: count }, (_, index) => {
    const id = idOf(first + Math.floor((index * rows) / count));
    return { token: `${id}.${id}${secretEnd}` };
  });
}

/** @param {number} n */
function idOf(n) {
  const hash = createHash("sha256").update(String(n)).digest("hex");
  const time = (firstMs + n * 1000).toString(16).padStart(12, "0");
  return `${time}7${hash.slice(0, 3)}8${hash.slice(3, 18)}`;
}
