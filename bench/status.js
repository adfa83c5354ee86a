// @ts-check
// What the database server itself has counted. Its counters are of the whole server, and a run has one of its
// own.

/** @typedef {import("mysql2/promise").Connection} Connection */
/** @typedef {Record<string, number>} Counters statements by kind: `select`, `update`, … */

/**
 * Counts the statements of every kind that the server runs meanwhile, without those that do the counting.
 * @template T
 * @param {Connection} connection
 * @param {() => Promise<T>} run
 * @returns {Promise<{ result: T, statements: Counters, total: number }>}
 */
export async function countingStatements(connection, run) {
  const before = await read(connection);
  const result = await run();
  const after = await read(connection);
  /** @type {Counters} */
  const statements = {};
  for (const [name, count] of Object.entries(after)) {
    const more = count - (before[name] ?? 0);
    if (more > 0 && name !== "show_status") statements[name] = more;
  }
  return { result, statements, total: Object.values(statements).reduce((sum, count) => sum + count, 0) };
}

/** @param {Connection} connection */
async function read(connection) {
  const [rows] = await connection.query("SHOW GLOBAL STATUS LIKE 'Com\\_%'");
  const counted = /** @type {{ Variable_name: string, Value: string }[]} */ (rows);
  return Object.fromEntries(
    counted.map(({ Variable_name: name, Value: value }) => [name.slice("Com_".length), Number(value)]),
  );
}
