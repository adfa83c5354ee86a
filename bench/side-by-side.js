// @ts-check
// The same work for every contender, in turns: each has its own server and its own clients, connected once,
// and all but the one that is measured have nothing to do.

import { figure } from "./figures.js";
import { insertSessions, makeOldTable, readLast } from "./sessions.js";
import { median, rotated } from "./stats.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./context.js").Contender} Contender */
/** @typedef {import("./context.js").ContenderName} ContenderName */
/** @typedef {import("./context.js").Figure} Figure */
/** @typedef {import("./sessions.js").Holder} Holder */
/** @typedef {{ contender: Contender, driver: import("./program.js").Program, holders: Holder[] }} Pair */
/** @typedef {Record<string, number>} Round requests a second of each contender */

/** @type {readonly ContenderName[]} */
const everybody = ["bare", "ours", "old-durable", "old", "express"];

/**
 * Starts everybody, and measures everybody in every round.
 * @param {Context} context
 * @param {"resume" | "set"} work
 * @returns {Promise<Round[]>}
 */
export async function measureSideBySide(context, work) {
  const { quick, rounds, say, database } = context;
  const time = quick ? { seconds: 0.6, warmUp: 0.2 } : { seconds: 3, warmUp: 1 };
  const connection = await database.admin("old");
  await makeOldTable(connection).finally(() => connection.end());
  const pairs = await Promise.all(everybody.map((name) => connect(context, name, quick ? 100 : 1000)));
  /** @type {Round[]} */
  const measured = [];
  for (let round = 0; round < rounds; round += 1) {
    /** @type {Round} */
    const rates = {};
    for (const pair of rotated(pairs, round)) {
      const { perSecond, last } = await naming(pair.contender.name, pair.driver.ask(work, time));
      // At once, before anything that is still on its way has had time to arrive.
      if (work === "set") await checkRows(context, pair, last);
      await pair.contender.ask("idle");
      rates[pair.contender.name] = perSecond;
    }
    measured.push(rates);
    const rate = (/** @type {ContenderName} */ name) => `${name} ${Math.round(rates[name] ?? 0)}/s`;
    say(`  round ${round + 1} of ${rounds}: ${everybody.map(rate).join(", ")}`);
  }
  return measured;
}

/**
 * @param {Context} context
 * @param {ContenderName} name
 * @param {number} count
 * @returns {Promise<Pair>}
 */
async function connect({ startContender, startDriver, database }, name, count) {
  const contender = await startContender(name);
  const connection = await database.admin(name);
  const holders = await insertSessions(connection, name, count).finally(() => connection.end());
  const driver = startDriver();
  await naming(name, driver.ask("connect", { port: contender.port, holders }));
  return { contender, driver, holders };
}

/**
 * A driver does not know whose server it talks to.
 * @template T
 * @param {ContenderName} name
 * @param {Promise<T>} asked
 * @returns {Promise<T>}
 */
function naming(name, asked) {
  return asked.catch((cause) => {
    throw new Error(`${name}: ${cause.message}`, { cause });
  });
}

/**
 * What was acknowledged has to be in the table. (The old package as it is does not promise that: it waits for
 * no statement, and on a pool they overtake each other.)
 * @param {Context} context
 * @param {Pair} pair
 * @param {(string | undefined)[]} last
 */
async function checkRows({ database }, { contender: { name }, holders }, last) {
  if (name === "bare" || name === "old") return;
  const connection = await database.admin(name);
  const found = await readLast(connection, name, holders).finally(() => connection.end());
  const wrong = last.filter((value, index) => value !== undefined && value !== found[index]).length;
  if (wrong > 0) throw new Error(`${name}: ${wrong} of ${holders.length} rows have not the last value set.`);
}

/**
 * @param {Round[]} rounds
 * @param {{ share: number }} wanted of ours, in percent of bare Socket.IO
 * @returns {import("./context.js").Result} the picture shows the `shares` in its details
 */
export function resultOf(rounds, wanted) {
  const shares = everybody.map((name) => [name, 100 * median(ratios(rounds, name, "bare"))]);
  return {
    figures: figuresOf(rounds, wanted),
    details: { shares: Object.fromEntries(shares), perSecond: rounds },
  };
}

/**
 * @param {Round[]} rounds
 * @param {{ share: number }} wanted
 * @returns {Figure[]}
 */
function figuresOf(rounds, { share }) {
  const shareOf = (/** @type {ContenderName} */ name) =>
    ratios(rounds, name, "bare").map((ratio) => ratio * 100);
  const against = (/** @type {ContenderName} */ name) => ratios(rounds, "ours", name);
  return [
    figure("ours, share of bare", "%", shareOf("ours"), { least: share }),
    figure("ours against the old package made durable", "×", against("old-durable"), { least: 2.5 }),
    figure("ours against express-session", "×", against("express"), { least: 2.5 }),
    figure("bare Socket.IO", "per second", ratesOf(rounds, "bare")),
    figure("old package made durable, share of bare", "%", shareOf("old-durable")),
    figure("old package as it is, share of bare", "%", shareOf("old")),
    figure("express-session, share of bare", "%", shareOf("express")),
  ];
}

/**
 * @param {Round[]} rounds
 * @param {ContenderName} one
 * @param {ContenderName} other
 */
function ratios(rounds, one, other) {
  const others = ratesOf(rounds, other);
  return ratesOf(rounds, one).map((rate, round) => rate / (others[round] ?? Number.NaN));
}

/**
 * @param {Round[]} rounds
 * @param {ContenderName} name
 */
function ratesOf(rounds, name) {
  return rounds.map((rates) => rates[name] ?? Number.NaN);
}
