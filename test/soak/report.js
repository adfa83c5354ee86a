// @ts-check
// What is printed: a line every few seconds, and tables at the end.
import { MUST_BE_ZERO } from "./findings.js";

/** @typedef {import("./world.js").World} World */
/** @typedef {{ count: number, seconds: number[], answers: Map<string, number> }} OfFault */
const DONE = "";
/** The client has not been told, or that nobody knows. */
const UNKNOWN = ["gone", "SESSION_WRITE_UNCERTAIN"];

export class Report {
  #began = performance.now();
  /** @type {Map<string, OfFault>} */
  #faults = new Map();
  /** @type {Map<string, number>} */
  #answers = new Map();
  #checks = 0;

  /** Minutes and seconds since the beginning. */
  get time() {
    const seconds = Math.floor((performance.now() - this.#began) / 1000);
    return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  }

  /** @param {string} line */
  say = (line) => console.log(`${this.time} ${line}`);

  checked() {
    this.#checks++;
  }

  /** Takes the answers since the last call. @param {World} world */
  collect(world) {
    const { answers } = world;
    world.answers = new Map();
    for (const [code, count] of answers) this.#answers.set(code, (this.#answers.get(code) ?? 0) + count);
    return answers;
  }

  /** @param {World} world */
  progress(world) {
    /** @type {Map<string, number>} */
    const total = new Map(this.#answers);
    for (const [code, count] of world.answers) total.set(code, (total.get(code) ?? 0) + count);
    const done = total.get(DONE) ?? 0;
    const unknown = UNKNOWN.reduce((sum, code) => sum + (total.get(code) ?? 0), 0);
    const all = [...total.values()].reduce((sum, count) => sum + count, 0);
    this.say(
      `${done} done, ${all - done - unknown} refused, ${unknown} unknown, ${world.ended.length} sessions ended; ` +
        `${world.findings.summary}; ${world.findings.faults}`,
    );
  }

  /** @param {string} name @param {number} seconds @param {Map<string, number>} answers */
  round(name, seconds, answers) {
    /** @type {OfFault} */
    const known = this.#faults.get(name) ?? { count: 0, seconds: [], answers: new Map() };
    this.#faults.set(name, known);
    known.count++;
    known.seconds.push(seconds);
    for (const [code, count] of answers) known.answers.set(code, (known.answers.get(code) ?? 0) + count);
  }

  /** @param {World} world @param {import("./memory.js").Memory} memory */
  end(world, memory) {
    console.log(
      "\nfault                                     rounds  at work again (s)  answers during it and until then",
    );
    for (const [name, { count, seconds, answers }] of this.#faults) {
      const slowest = Math.max(...seconds);
      const times = Number.isFinite(slowest) ? `at most ${slowest.toFixed(1)}` : "not in time";
      console.log(`${name.padEnd(42)}${String(count).padStart(6)}  ${times.padEnd(17)}  ${list(answers)}`);
    }
    console.log(`\nanswers: ${list(this.#answers)}`);
    console.log(
      `rows compared with what clients were told: ${this.#checks} times; sessions ended: ${world.ended.length}`,
    );
    const { second, last, tells } = memory.verdict;
    const shown = (/** @type {number | undefined} */ value) => (value === undefined ? "?" : value.toFixed(1));
    const enough = tells ? "" : ", too few looks to tell";
    console.log(
      `heap of the first node, MiB: second third ${shown(second)}, last third ${shown(last)} (${memory.samples.length} looks${enough})`,
    );
    const { primary, replica } = world.servers;
    console.log(`database servers that crashed by themselves: ${primary.crashes + replica.crashes} times`);
    console.log("\nmust be 0");
    for (const [kind, meaning] of Object.entries(MUST_BE_ZERO)) {
      const count = world.findings.counts.get(/** @type {keyof typeof MUST_BE_ZERO} */ (kind)) ?? 0;
      console.log(`${String(count).padStart(7)}  ${kind}: ${meaning}`);
    }
    const where = [...world.findings.byFault].sort(([, one], [, other]) => other - one);
    if (where.length > 0) console.log("\nwhat was found, by the faults of the time");
    for (const [name, count] of where) console.log(`${String(count).padStart(7)}  ${name}`);
  }
}

/** @param {Map<string, number>} answers */
function list(answers) {
  return [...answers]
    .sort(([, one], [, other]) => other - one)
    .map(([code, count]) => `${count} ${code || "done"}`)
    .join(", ");
}
