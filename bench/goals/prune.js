// @ts-check
// Resumes while the same server prunes half a million expired rows, against resumes undisturbed; and whether
// the database is held up by any one statement.
import { figure, greatest } from "../figures.js";
import { startSlowLog } from "../slow-log.js";
import { holdersOf, insertRows } from "../tables.js";

/** @typedef {import("../context.js").Context} Context */
/** @typedef {import("mysql2/promise").Connection} Connection */

const slowMs = 100;

/** @type {import("../context.js").Goal} */
export default {
  name: "prune",
  title: "resumes while expired rows are pruned, against resumes undisturbed",
  async run(context) {
    const { database, quick, rounds, say } = context;
    const living = quick ? 2_000 : 10_000;
    const expired = quick ? 30_000 : 500_000;
    if (quick) say(`  quick: ${expired} expired rows in place of 500000.`);
    const connection = await database.admin();
    await insertRows(connection, { rows: expired, isExpired: true });
    await insertRows(connection, { first: expired, rows: living });
    const holders = holdersOf({ first: expired, rows: living, count: quick ? 200 : 1000 });
    const slowLog = await startSlowLog(connection);
    try {
      const measured = [];
      for (let round = 0; round < rounds; round += 1) {
        const { undisturbed, pruning } = await measure(context, holders, { pruningFirst: round % 2 === 1 });
        measured.push({ undisturbed, pruning });
        say(
          `  round ${round + 1} of ${rounds}: undisturbed ${Math.round(undisturbed)}/s, pruning ${Math.round(pruning)}/s`,
        );
      }
      const left = await countExpired(connection);
      const again = quick ? 0 : expired - left;
      await insertRows(connection, { first: expired + living, rows: again, isExpired: true });
      const whole = await pruneAll(context, holders);
      if (whole.deleted !== left + again)
        throw new Error(`${whole.deleted} rows were pruned, not ${left + again}.`);
      if ((await countLiving(connection)) !== living) throw new Error("Living rows have been pruned.");
      const slow = await slowLog.read(slowMs);
      const ratios = measured.map(({ undisturbed, pruning }) => pruning / undisturbed);
      return {
        figures: [
          figure("resume rate while pruning, against undisturbed", "×", ratios, { least: 0.8 }),
          figure(`statements over ${slowMs} ms`, "", [slow.count], { most: 0, of: greatest }),
          figure("longest statement", "ms", [slow.longestMs]),
          figure(`pruning ${whole.deleted} rows while resumes run`, "s", [whole.seconds]),
        ],
        details: { living, expired, measured, slow, whole },
      };
    } finally {
      await slowLog.stop();
      await connection.end();
    }
  },
};

/**
 * One window with and one without pruning, on a server of its own: pruning that has begun ends with its
 * server.
 * @param {Context} context
 * @param {import("../sessions.js").Holder[]} holders
 * @param {{ pruningFirst: boolean }} order
 */
async function measure(context, holders, { pruningFirst }) {
  const { quick } = context;
  const time = quick ? { seconds: 0.8, warmUp: 0.2 } : { seconds: 4, warmUp: 1 };
  const rates = { undisturbed: 0, pruning: 0 };
  for (const isPruning of [pruningFirst, !pruningFirst]) {
    const { contender, driver, stop } = await connect(context, holders);
    await driver.ask("resume", { seconds: 0, warmUp: quick ? 0.5 : 3 });
    let isOver = false;
    const over = isPruning && contender.ask("prune").finally(() => (isOver = true));
    const { perSecond } = await driver.ask("resume", time);
    if (isOver) throw new Error("Everything was pruned before the measurement was over.");
    rates[isPruning ? "pruning" : "undisturbed"] = perSecond;
    await stop();
    await over;
  }
  return rates;
}

/**
 * All of it at once, with resumes from the beginning to the end.
 * @param {Context} context
 * @param {import("../sessions.js").Holder[]} holders
 */
async function pruneAll(context, holders) {
  const { contender, driver, stop } = await connect(context, holders);
  const begun = performance.now();
  let seconds = 0;
  const over = contender.ask("prune").finally(() => {
    seconds = (performance.now() - begun) / 1000;
  });
  const perSecond = [];
  while (seconds === 0) {
    const rate = await driver.ask("resume", { seconds: 1, warmUp: 0 });
    perSecond.push(rate.perSecond);
  }
  const deleted = await over;
  await stop();
  return { deleted, seconds, perSecond };
}

/**
 * @param {Context} context
 * @param {import("../sessions.js").Holder[]} holders
 */
async function connect({ startContender, startDriver }, holders) {
  // No other pruning than that which is asked for.
  const contender = await startContender("ours", { options: { prune: false } });
  const driver = startDriver();
  await driver.ask("connect", { port: contender.port, holders });
  const stop = async () => {
    await driver.ask("close");
    await contender.ask("stop");
    await Promise.all([driver.stop(), contender.stop()]);
  };
  return { contender, driver, stop };
}

/** @param {Connection} connection */
function countExpired(connection) {
  return count(connection, "expires <= UNIX_TIMESTAMP()");
}

/** @param {Connection} connection */
function countLiving(connection) {
  return count(connection, "expires > UNIX_TIMESTAMP()");
}

/**
 * @param {Connection} connection
 * @param {string} condition
 * @returns {Promise<number>}
 */
async function count(connection, condition) {
  const [rows] = await connection.query(`SELECT COUNT(*) AS n FROM session WHERE ${condition}`);
  return Number(/** @type {{ n: number }[]} */ (rows)[0]?.n);
}
