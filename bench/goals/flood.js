// @ts-check
// What somebody who comes with a session waits for, while others flood the server with made-up tokens;
// against connecting to bare Socket.IO while the same connections flood that with events.
import { figure } from "../figures.js";
import { insertSessions } from "../sessions.js";
import { median } from "../stats.js";

/** @typedef {import("../context.js").Context} Context */
/** @typedef {import("../sessions.js").Holder} Holder */
/** @typedef {import("../programs/flooder.js").Flood} Flood */

/**
 * @type {Record<Exclude<Flood, "events">, string>} what is sent without waiting for answers, but for the last
 * two
 */
const floods = {
  connects: "CONNECT packets with unknown tokens",
  tokens: "getToken with unknown tokens",
  answered: "the same, one after the other",
  young: "the same, ids of a moment ago",
};

/** @type {import("../context.js").Goal} */
export default {
  name: "flood",
  title:
    "an honest open while 100 connections send as fast as they can, against bare Socket.IO flooded with events",
  async run(context) {
    const { quick, rounds, database, say } = context;
    const connections = 100;
    const time = { warmUp: quick ? 1 : 2, opens: quick ? 3 : 10 };
    const connection = await database.admin();
    const holders = await insertSessions(connection, "ours", 1).finally(() => connection.end());
    const [holder] = /** @type {[Holder]} */ (holders);
    /** @type {Record<string, number>[]} milliseconds */
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      /** @type {Record<string, number>} */
      const taken = {
        idle: await open(context, "ours", { holder, ...time }),
        bare: await open(context, "bare", { holder, flood: "events", connections, ...time }),
      };
      for (const flood of /** @type {(keyof typeof floods)[]} */ (Object.keys(floods)))
        taken[flood] = await open(context, "ours", { holder, flood, connections, ...time });
      measured.push(taken);
      const told = Object.entries(taken).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
      say(`  round ${round + 1} of ${rounds}: ${told.join(", ")}`);
    }
    const of = (/** @type {string} */ name) => measured.map((taken) => taken[name] ?? Number.NaN);
    const timesBare = (/** @type {string} */ name) =>
      measured.map((taken) => (taken[name] ?? Number.NaN) / (taken["bare"] ?? 1));
    return {
      figures: [
        ...Object.entries(floods).map(([name, label]) => figure(label, "×", timesBare(name), { most: 3 })),
        ...Object.keys(floods).map((name) => figure(`an open meanwhile, ${name}`, "ms", of(name))),
        figure("connecting to bare Socket.IO, events", "ms", of("bare")),
        figure("an open without a flood", "ms", of("idle")),
      ],
      details: { connections, ...time, milliseconds: measured },
    };
  },
};

/**
 * How long an open takes, on processes that have served nobody before.
 * @param {Context} context
 * @param {"bare" | "ours"} name
 * @param {{ holder: Holder, flood?: Flood, connections?: number, warmUp: number, opens: number }} what
 * @returns {Promise<number>} milliseconds, the median
 */
async function open({ startContender, startProgram }, name, { holder, flood, connections, warmUp, opens }) {
  const contender = await startContender(name, name === "ours" ? { options: { logger: false } } : {});
  const { port } = contender;
  const flooder = flood && startProgram(new URL("../programs/flooder.js", import.meta.url));
  const visitor = startProgram(new URL("../programs/visitor.js", import.meta.url));
  await flooder?.ask("flood", { port, flood, connections, warmUp });
  const taken = await visitor.ask("open", { port, holder, opens, sessions: name === "ours" });
  await Promise.all([flooder?.stop(), visitor.stop()]);
  await contender.stop();
  return median(taken);
}
