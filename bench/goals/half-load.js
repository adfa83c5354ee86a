// @ts-check
// How long a set takes while the server has half of what it can: sets come at a pace of their own.
import { figure } from "../figures.js";
import { insertSessions } from "../sessions.js";
import { quantile, rotated } from "../stats.js";

/** @typedef {import("../context.js").ContenderName} ContenderName */
/** @typedef {Record<string, { median: number, p99: number }>} Round milliseconds, of each contender */

/** @type {readonly ContenderName[]} */
const names = ["bare", "floor", "ours"];

/** @type {import("../context.js").Goal} */
export default {
  name: "half-load",
  title: "sets at half the rate that ours can do, by as many clients as have to wait",
  async run({ quick, rounds, say, database, startContender, startDriver }) {
    const clients = quick ? 100 : 1000;
    const seconds = quick ? 1 : 4;
    const pairs = await Promise.all(
      names.map(async (name) => {
        const { port } = await startContender(name);
        const connection = await database.admin(name);
        const holders = await insertSessions(connection, name, clients).finally(() => connection.end());
        const driver = startDriver();
        await driver.ask("connect", { port, holders });
        return { name, driver };
      }),
    );
    // One after the other; code runs for the first time, and connections are made.
    let perSecond = 0;
    for (const { name, driver } of pairs) {
      const rate = await driver.ask("set", { seconds: quick ? 0.5 : 3, warmUp: quick ? 0.5 : 2 });
      if (name === "ours") perSecond = rate.perSecond / 2;
    }
    /** @type {Round[]} */
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      /** @type {Round} */
      const those = {};
      for (const { name, driver } of rotated(pairs, round)) {
        const { takenMs } = await driver.ask("pacedSet", { perSecond, seconds });
        those[name] = { median: quantile(takenMs, 0.5), p99: quantile(takenMs, 0.99) };
      }
      measured.push(those);
      const told = names.map((name) => `${name} ${those[name]?.p99.toFixed(1)} ms`);
      say(`  round ${round + 1} of ${rounds}: p99 at ${Math.round(perSecond)}/s: ${told.join(", ")}`);
    }
    const of = (/** @type {ContenderName} */ name, /** @type {"median" | "p99"} */ part) =>
      measured.map((round) => round[name]?.[part] ?? Number.NaN);
    const bare = of("bare", "p99");
    const against = (/** @type {ContenderName} */ name) =>
      of(name, "p99").map((time, round) => time / (bare[round] ?? Number.NaN));
    return {
      figures: [
        figure("p99 of a set at half load, against bare", "×", against("ours"), { most: 2 }),
        figure("the same of the floor", "×", against("floor")),
        ...names.flatMap((name) => [
          figure(`${name}: p99`, "ms", of(name, "p99")),
          figure(`${name}: median`, "ms", of(name, "median")),
        ]),
      ],
      details: { clients, perSecond, measured },
    };
  },
};
