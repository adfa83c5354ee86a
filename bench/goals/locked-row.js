// @ts-check
// Somebody locks one row for three seconds, while many sessions set as fast as they are answered, that one
// too. What was in one batch with it waits; nobody else may, and nobody twice.
import { setTimeout as delay } from "node:timers/promises";
import { figure, greatest } from "../figures.js";
import { insertSessions, readLast } from "../sessions.js";

/** @typedef {import("mysql2/promise").Connection} Connection */
/** @typedef {import("../programs/waits.js").Waits} Waits */

const sessions = 200;
/** Far more than a set takes in the crowd, far less than the lock lasts. */
const slowMs = 500;

/** @type {import("../context.js").Goal} */
export default {
  name: "locked-row",
  title: "one row locked by somebody for 3 seconds: who else waits for it",
  async run({ database, quick, rounds, say, startContender, startProgram }) {
    const lockMs = quick ? 1_500 : 3_000;
    if (quick) say(`  quick: ${lockMs / 1000} s.`);
    const connection = await database.admin();
    const holders = await insertSessions(connection, "ours", sessions);
    const { port } = await startContender("ours");
    const clients = startProgram(new URL("../programs/waits.js", import.meta.url));
    await clients.ask("connect", { port, holders });

    /** Everybody sets, as long as `run` takes, and what was acknowledged has to be in the table. */
    const setDuring = async (/** @type {() => Promise<void>} */ run) => {
      await clients.ask("begin", { slowMs });
      await run();
      /** @type {Waits[]} */
      const waits = await clients.ask("end");
      const found = await readLast(connection, "ours", holders);
      const missing = waits.filter(({ last }, index) => last !== found[index]).length;
      if (missing > 0) throw new Error(`${missing} rows have not the last value set.`);
      return waits;
    };
    // New code and new connections are slow too.
    await setDuring(() => delay(quick ? 500 : 2_000));

    /** @type {(Summary & { lockedMs: number, lockedOne: number, undisturbed: Summary })[]} */
    const measured = [];
    for (let round = 0; round < rounds; round += 1) {
      const undisturbed = await setDuring(() => delay(quick ? 500 : lockMs));
      // Another row each time: a session whose write got stuck is treated apart for a while.
      const at = (round * 37) % sessions;
      let lockedMs = 0;
      const waits = await setDuring(async () => {
        await delay(quick ? 300 : 1_000);
        lockedMs = await lockRow(connection, holders[at]?.token.slice(0, 32) ?? "", lockMs);
        await delay(quick ? 300 : 1_000);
      });
      const lockedOne = waits[at]?.longestMs ?? 0;
      if (lockedOne < lockMs / 2) throw new Error("The locked session did not wait: nothing was measured.");
      const others = summary(waits.filter((_, index) => index !== at));
      measured.push({ ...others, lockedMs, lockedOne, undisturbed: summary(undisturbed) });
      say(
        `  round ${round + 1} of ${rounds}: ${others.affected} others waited, at most ${others.mostOften}× and ${Math.round(others.longestMs)} ms`,
      );
    }
    await connection.end();
    const of = (/** @type {(one: (typeof measured)[0]) => number} */ pick) => measured.map(pick);
    const beyond = of(({ longestMs, lockedMs }) => Math.max(0, longestMs - lockedMs));
    return {
      figures: [
        figure(
          `sets of one other session over ${slowMs} ms`,
          "",
          of(({ mostOften }) => mostOften),
          {
            most: 1,
            of: greatest,
          },
        ),
        figure("longest wait of another beyond the lock", "ms", beyond, { most: 0, of: greatest }),
        figure(
          "others that waited",
          `of ${sessions - 1}`,
          of(({ affected }) => affected),
        ),
        figure(
          "longest wait of another",
          "ms",
          of(({ longestMs }) => longestMs),
        ),
        figure(
          "the same without any lock",
          "ms",
          of(({ undisturbed }) => undisturbed.longestMs),
        ),
        figure(
          "wait of the locked session",
          "ms",
          of(({ lockedOne }) => lockedOne),
        ),
      ],
      details: { sessions, lockMs, slowMs, measured },
    };
  },
};

/** @typedef {{ affected: number, mostOften: number, longestMs: number, sets: number }} Summary */

/**
 * @param {Waits[]} waits
 * @returns {Summary}
 */
function summary(waits) {
  return {
    affected: waits.filter(({ slow }) => slow > 0).length,
    mostOften: Math.max(...waits.map(({ slow }) => slow)),
    longestMs: Math.max(...waits.map(({ longestMs }) => longestMs)),
    sets: waits.reduce((sum, { sets }) => sum + sets, 0),
  };
}

/**
 * @param {Connection} connection
 * @param {string} sessionId
 * @param {number} lockMs
 * @returns {Promise<number>} milliseconds from before the lock was asked for until it was given up for
 * certain
 */
async function lockRow(connection, sessionId, lockMs) {
  const begun = performance.now();
  await connection.query("BEGIN");
  await connection.query("SELECT sessionId FROM session WHERE sessionId = ? FOR UPDATE", [sessionId]);
  await delay(lockMs);
  await connection.query("ROLLBACK");
  return performance.now() - begun;
}
