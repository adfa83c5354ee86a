// @ts-check
// The same work for every contender, in turns: each has its own server and its own clients, connected once,
// and all but the one that is measured have nothing to do.
import { cpuOf, cpuText } from "./cpu.js";
import { insertSessions, makeOldTable, readLast } from "./sessions.js";
import { rotated } from "./stats.js";

/** @typedef {import("./context.js").Context} Context */
/** @typedef {import("./context.js").Contender} Contender */
/** @typedef {import("./context.js").ContenderName} ContenderName */
/** @typedef {import("./sessions.js").Holder} Holder */
/** @typedef {{ contender: Contender, driver: import("./program.js").Program, holders: Holder[] }} Pair */
/** @typedef {{ perSecond: number, cpu: import("./cpu.js").Cpu }} Measured */
/** @typedef {Record<string, Measured>} Round of each contender */
/** @typedef {{ crowd: number, rounds: Round[] }} Crowd what so many clients came to */
/** @typedef {{ seconds: number, warmUp: number }} Time */

/** @type {readonly ContenderName[]} */
const everybody = ["bare", "floor", "ours", "old-durable", "old", "express"];

/**
 * Starts everybody, and measures everybody in every round; of smaller crowds only the first three, which are
 * what the others cannot be.
 * @param {Context} context
 * @param {"resume" | "set"} work
 * @returns {Promise<Crowd[]>} the whole crowd first
 */
export async function measureSideBySide(context, work) {
  const { quick, rounds, say, database } = context;
  const time = quick ? { seconds: 0.6, warmUp: 0.2 } : { seconds: 3, warmUp: 1 };
  const crowds = (quick ? [100, 20] : [1000, 200, 50]).map(
    (crowd) => /** @type {Crowd} */ ({ crowd, rounds: [] }),
  );
  const connection = await database.admin("old");
  await makeOldTable(connection).finally(() => connection.end());
  // The floor reads no row to resume.
  const all = everybody.filter((name) => work === "set" || name !== "floor");
  const pairs = await Promise.all(all.map((name) => connect(context, name, crowds[0]?.crowd ?? 0)));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { crowd, rounds: measured }] of crowds.entries()) {
      /** @type {Round} */
      const those = {};
      const taking = index === 0 ? pairs : pairs.filter(({ contender: { name } }) => isNear(name));
      for (const pair of rotated(taking, round))
        those[pair.contender.name] = await measureOne(context, pair, work, { ...time, crowd });
      measured.push(those);
      const told = Object.entries(those).map(
        ([name, { perSecond, cpu }]) => `${name} ${Math.round(perSecond)}/s (${cpuText([cpu])})`,
      );
      say(`  round ${round + 1} of ${rounds}, ${crowd} clients: ${told.join(", ")}`);
    }
  }
  return crowds;
}

/** @param {ContenderName} name */
function isNear(name) {
  return name === "bare" || name === "floor" || name === "ours";
}

/**
 * @param {Context} context
 * @param {Pair} pair
 * @param {"resume" | "set"} work
 * @param {Time & { crowd: number }} time
 * @returns {Promise<Measured>}
 */
async function measureOne(context, pair, work, { seconds, warmUp, crowd }) {
  const { contender, driver } = pair;
  const ask = (/** @type {Time} */ time) => naming(contender.name, driver.ask(work, { ...time, crowd }));
  await ask({ seconds: 0, warmUp });
  let perSecond = 0;
  const cpu = await cpuOf({ contender, database: context.database }, async () => {
    const answer = await ask({ seconds, warmUp: 0 });
    // At once, before anything that is still on its way has had time to arrive.
    if (work === "set") await checkRows(context, pair, answer.last);
    ({ perSecond } = answer);
    return answer;
  });
  if (work === "set") await naming(contender.name, driver.ask("check"));
  await contender.ask("idle");
  return { perSecond, cpu };
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
