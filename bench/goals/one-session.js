// @ts-check
// Many sockets of one session set as fast as they are answered, each a key of its own. What piles up while a
// write is under way goes out in the next, and a process must not stand in its own way: a refused write is
// followed by a look at the row.
import { figure, greatest } from "../figures.js";
import { countingStatements } from "../status.js";
import { holdersOf, insertRows } from "../tables.js";

const sockets = 50;

/** @type {import("../context.js").Goal} */
export default {
  name: "one-session",
  title: `${sockets} sockets of one session set at once`,
  async run({ database, quick, rounds, say, startContender, startDriver }) {
    const connection = await database.admin();
    await insertRows(connection, { rows: 1 });
    const [holder] = holdersOf({ rows: 1, count: 1 });
    if (!holder) throw new Error("There is one holder.");
    // The sweep looks at rows too; here it shall not, so that each SELECT is one that a refused write has
    // caused.
    const { port } = await startContender("ours", { options: { revalidate: 3600 } });
    const driver = startDriver();
    await driver.ask("connect", { port, holders: Array.from({ length: sockets }, () => holder) });
    await driver.ask("set", { seconds: 0, warmUp: quick ? 0.5 : 2, ownKeys: true });

    const perUpdate = [];
    const selects = [];
    const missing = [];
    const counted = [];
    for (let round = 0; round < rounds; round += 1) {
      const { result, statements } = await countingStatements(connection, () =>
        driver.ask("set", { seconds: quick ? 1 : 3, warmUp: 0, ownKeys: true }),
      );
      const { answered, last } = result;
      await driver.ask("check");
      const values = await readValues(connection, holder.token.slice(0, 32));
      missing.push(
        last.filter((/** @type {string} */ value, /** @type {number} */ n) => values[`last${n}`] !== value)
          .length,
      );
      perUpdate.push(answered / (statements["update"] ?? 0));
      selects.push(statements["select"] ?? 0);
      counted.push({ sets: answered, statements });
      say(`  round ${round + 1} of ${rounds}: ${answered} sets in ${statements["update"]} statements`);
    }
    await connection.end();
    return {
      figures: [
        figure("sets in one statement", "", perUpdate, { least: 20 }),
        figure("SELECTs after refused writes", "", selects, { most: 0, of: greatest }),
        figure("keys without the last value acknowledged", "", missing, { most: 0, of: greatest }),
      ],
      details: { sockets, counted },
    };
  },
};

/**
 * @param {import("mysql2/promise").Connection} connection
 * @param {string} sessionId
 * @returns {Promise<Record<string, unknown>>}
 */
async function readValues(connection, sessionId) {
  const [rows] = await connection.query("SELECT data FROM session WHERE sessionId = ?", [sessionId]);
  const [row] = /** @type {{ data: string }[]} */ (rows);
  return JSON.parse(row?.data ?? "{}");
}
