// @ts-check
// One round: its faults begin, last, and are over; then everybody has to be at work again, and the rows are
// read.
import { checkEnded, checkRows } from "./checks.js";
import { pause } from "./world.js";

/** @typedef {import("./faults/fault.js").Fault} Fault */
/** @typedef {import("./world.js").World} World */
/** @typedef {import("./report.js").Report} Report */

const AGAIN_WITHIN_MS = 25_000;
/** After that a fault is left to itself: what ends it may wait for the very nodes that it has stopped. */
const ENDS_WITHIN_MS = 30_000;
const REST_MS = 1500;

/** @param {import("./schedule.js").Round} round @param {{ world: World, report: Report }} with_ */
export async function runRound({ faults, random }, { world, report }) {
  const name = faults.map((fault) => fault.name).join(" + ");
  report.collect(world);
  world.findings.faults = name;
  // Each has its own times: what one does may wait for the end of the other.
  const courses = faults.map((fault, n) => ({
    fault,
    from: n * random.between(0, 3),
    lasts: random.between(...fault.seconds),
  }));
  await Promise.all(courses.map((course) => runFault(course, random, { world, report })));
  const seconds = await recover(world, name);
  const answers = report.collect(world);
  report.round(name, seconds, answers);
  report.say(`   all at work after ${seconds.toFixed(1)} s`);
  if (await checkRows(world)) report.checked();
  await checkEnded(world);
  await pause(REST_MS);
}

/**
 * @param {{ fault: Fault, from: number, lasts: number }} course in seconds @param
 * {import("./random.js").Random} random @param {{ world: World, report: Report }} with_
 */
async function runFault({ fault, from, lasts }, random, { world, report }) {
  const { name } = fault;
  await pause(from * 1000);
  report.say(`   ${name} begins`);
  try {
    const end = await fault.begin(world, random);
    await pause(lasts * 1000);
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("it has not ended in time")), ENDS_WITHIN_MS);
    });
    await Promise.race([late, end?.()]).finally(() => clearTimeout(timer));
    report.say(`   ${name} is over`);
  } catch (error) {
    report.say(`   ${name} failed itself: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Waits for all to be at work; helps as an operator would where they are not. @param {World} world @param
 * {string} after
 */
export async function recover(world, after) {
  const { seconds, missing } = await world.atWork(performance.now(), AGAIN_WITHIN_MS);
  if (missing.length === 0) return seconds;
  world.findings.add("stuck", `${missing.length} after ${after}: ${missing.slice(0, 6).join(", ")}`);
  world.servers.proxy.cut();
  await world.atWork(performance.now(), AGAIN_WITHIN_MS);
  return seconds;
}
