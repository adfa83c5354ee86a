// @ts-check
// Resumes from a table of a million rows against one of ten thousand. The clients' sessions lie all over each
// table.
import { figure } from "../figures.js";
import { rotated } from "../stats.js";
import { holdersOf, insertRows, makeEmptyTable } from "../tables.js";

/** @typedef {import("../context.js").Context} Context */
/** @typedef {{ rows: number, perSecond: number[], driver: import("../program.js").Program }} Size */

/** @type {import("../context.js").Goal} */
export default {
  name: "rows",
  title: "resumes from a large table against a small one",
  async run(context) {
    const { quick, rounds, say } = context;
    const [few, many] = quick ? [1_000, 20_000] : [10_000, 1_000_000];
    if (quick) say(`  quick: ${many} rows in place of a million.`);
    const small = await prepare(context, few);
    const large = await prepare(context, many);
    // Neither must be measured before its code has run for a while.
    for (const { driver } of [small, large])
      await driver.ask("resume", { seconds: 0, warmUp: quick ? 0.5 : 3 });
    for (let round = 0; round < rounds; round += 1) {
      for (const { driver, perSecond } of rotated([small, large], round)) {
        const rate = await driver.ask("resume", quick ? { seconds: 1, warmUp: 0.3 } : { seconds: 3 });
        perSecond.push(rate.perSecond);
      }
      const [one, other] = [small, large].map(({ perSecond }) => Math.round(perSecond.at(-1) ?? 0));
      say(`  round ${round + 1} of ${rounds}: ${few} rows ${one}/s, ${many} rows ${other}/s`);
    }
    const ratios = large.perSecond.map((rate, round) => rate / (small.perSecond[round] ?? Number.NaN));
    return {
      figures: [
        figure(`${many} rows, resume rate against ${few} rows`, "×", ratios, { least: 0.9 }),
        figure(`${many} rows`, "per second", large.perSecond),
      ],
      details: { few: small.perSecond, many: large.perSecond },
    };
  },
};

/**
 * A table, a server on it, and its clients.
 * @param {Context} context
 * @param {number} rows
 * @returns {Promise<Size>}
 */
async function prepare({ database, quick, say, startContender, startDriver }, rows) {
  const table = `session_${rows}`;
  const connection = await database.admin();
  const begun = performance.now();
  await makeEmptyTable(connection, table);
  await insertRows(connection, { table, rows });
  await connection.end();
  say(`  ${rows} rows inserted in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  const { port } = await startContender("ours", { options: { table } });
  const driver = startDriver();
  await driver.ask("connect", { port, holders: holdersOf({ rows, count: quick ? 200 : 1000 }) });
  return { rows, perSecond: [], driver };
}
