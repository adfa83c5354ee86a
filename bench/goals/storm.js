// @ts-check
// Everybody comes back at once after a restart: known clients on the handshake path, until all have their
// session; against connecting to bare Socket.IO.
import { figure } from "../figures.js";
import { insertSessions } from "../sessions.js";
import { rotated } from "../stats.js";

/** @typedef {import("../context.js").Context} Context */
/** @typedef {import("../sessions.js").Holder} Holder */

/** @type {import("../context.js").Goal} */
export default {
  name: "storm",
  title: "known clients reconnect after a restart, until all are ready",
  async run(context) {
    const { quick, rounds, database, say } = context;
    const count = quick ? 1000 : 10_000;
    checkOpenFiles(count);
    const connection = await database.admin();
    const holders = await insertSessions(connection, "ours", count).finally(() => connection.end());
    /** @type {{ bare: number, ours: number }[]} */
    const seconds = [];
    for (let round = 0; round < rounds; round += 1) {
      const taken = { bare: 0, ours: 0 };
      for (const name of rotated(/** @type {const} */ (["bare", "ours"]), round))
        taken[name] = await storm(context, name, holders);
      seconds.push(taken);
      say(
        `  round ${round + 1} of ${rounds}: bare ${taken.bare.toFixed(2)} s, ours ${taken.ours.toFixed(2)} s`,
      );
    }
    const times = seconds.map(({ bare, ours }) => ours / bare);
    const ours = seconds.map((round) => round.ours);
    return {
      figures: [
        figure(`${count} clients, time against bare connects`, "×", times, { most: 1.05 }),
        figure("until all have their session", "s", ours),
      ],
      details: { clients: count, seconds },
    };
  },
};

/**
 * One storm, on processes that have served nobody before.
 * @param {Context} context
 * @param {"bare" | "ours"} name
 * @param {Holder[]} holders
 * @returns {Promise<number>} seconds
 */
async function storm({ startContender, startDriver }, name, holders) {
  const contender = await startContender(name);
  const driver = startDriver();
  const { port } = contender;
  const { seconds } = await driver.ask("storm", {
    port,
    holders,
    concurrent: 500,
    sessions: name === "ours",
  });
  await driver.stop();
  await contender.stop();
  return seconds;
}

/**
 * A process has a file open for each connection.
 * @param {number} count of connections
 */
function checkOpenFiles(count) {
  const report = /** @type {any} */ (process.report.getReport());
  const limit = Number(report.userLimits?.open_files?.soft ?? Number.POSITIVE_INFINITY);
  if (limit < count + 100) {
    throw new Error(
      `This needs ${count + 100} open files in a process, and ${limit} are allowed (ulimit -n).`,
    );
  }
}
