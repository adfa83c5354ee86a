// @ts-check
// The server's own record of statements that took long.

/** @typedef {import("mysql2/promise").Connection} Connection */
/** @typedef {{ count: number, longestMs: number, statement: string }} Slow */

/** Shorter than what is looked for, so that there mostly is a longest one to tell. */
const keptFromMs = 20;

/**
 * Has the server note long statements of connections that are made from now on: theirs is the global setting.
 * @param {Connection} connection whose own statements are not noted, as it is older
 */
export async function startSlowLog(connection) {
  const [rows] = await connection.query(
    "SELECT @@GLOBAL.slow_query_log AS wasOn, @@GLOBAL.long_query_time AS time, @@GLOBAL.log_output AS output",
  );
  const [before] = /** @type {{ wasOn: number, time: number, output: string }[]} */ (rows);
  await connection.query("SET GLOBAL slow_query_log = OFF");
  await connection.query("TRUNCATE TABLE mysql.slow_log");
  await connection.query("SET GLOBAL log_output = 'TABLE'");
  await connection.query("SET GLOBAL long_query_time = ?", [keptFromMs / 1000]);
  await connection.query("SET GLOBAL slow_query_log = ON");
  return {
    /**
     * @param {number} overMs
     * @returns {Promise<Slow>} how many took longer, and the longest of all; 0 where none took as long as 20
     * ms
     */
    async read(overMs) {
      const [found] = await connection.query(
        `SELECT FLOOR(TIME_TO_SEC(query_time)) * 1000 + MICROSECOND(query_time) / 1000 AS ms,
          CONVERT(LEFT(sql_text, 60) USING utf8mb4) AS statement
        FROM mysql.slow_log ORDER BY query_time DESC`,
      );
      const slow = /** @type {{ ms: string, statement: string }[]} */ (found);
      return {
        count: slow.filter(({ ms }) => Number(ms) > overMs).length,
        longestMs: Number(slow[0]?.ms ?? 0),
        statement: slow[0]?.statement ?? "",
      };
    },
    async stop() {
      await connection.query("SET GLOBAL slow_query_log = ?", [before?.wasOn ?? 0]);
      await connection.query("SET GLOBAL long_query_time = ?", [Number(before?.time ?? 10)]);
      await connection.query("SET GLOBAL log_output = ?", [before?.output ?? "FILE"]);
      await connection.query("TRUNCATE TABLE mysql.slow_log");
    },
  };
}
