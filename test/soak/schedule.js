// @ts-check
// Which faults come when: every one alone, and pairs in between, in an order that the seed decides.
import { applicationFaults } from "./faults/application.js";
import { lockFaults } from "./faults/locks.js";
import { networkFaults } from "./faults/network.js";
import { nodeFaults } from "./faults/nodes.js";
import { serverFaults } from "./faults/server.js";
import { seeded } from "./random.js";

/** @typedef {import("./faults/fault.js").Fault} Fault */
/** @typedef {import("./random.js").Random} Random */
/**
 * @typedef {{ faults: Fault[], random: Random }} Round its generator is its own: how often a fault asks
 * depends on time
 */

/** Shows how long it takes until everybody has done something without any fault. @type {Fault} */
const nothing = { name: "nothing", group: "nothing", seconds: [2, 3], begin: async () => {} };
const allFaults = [
  nothing,
  ...networkFaults,
  ...serverFaults,
  ...lockFaults,
  ...applicationFaults,
  ...nodeFaults,
];
/** After so many single ones comes a pair. */
const SINGLES = 2;

/**
 * Rounds of one fault or two, without an end.
 * @param {Random} random @param {import("../../scripts/servers/database-server.js").Engine} engine @param
 * {string[]} [only]
 * @returns {Generator<Round>}
 */
export function* schedule(random, engine, only) {
  for (const faults of choose(random, engine, only))
    yield { faults, random: seeded(random.next() * 2 ** 32) };
}

/**
 * @param {Random} random @param {import("../../scripts/servers/database-server.js").Engine} engine @param
 * {string[]} [only]
 * @returns {Generator<Fault[]>}
 */
function* choose(random, engine, only) {
  const here = allFaults.filter((fault) => fault.engine === undefined || fault.engine === engine);
  if (only) {
    const named = (/** @type {string} */ name) => {
      const fault = here.find((fault) => fault.name === name);
      if (!fault)
        throw new Error(
          `There is no fault ${name} here; there are: ${here.map(({ name }) => name).join(", ")}.`,
        );
      return fault;
    };
    const chosen = only.map((names) => names.split("+").map(named));
    for (;;) for (const faults of chosen) yield faults;
  }
  for (;;) {
    const pairs = pairsOf(random, here);
    for (const [n, fault] of random.shuffled(here).entries()) {
      yield [fault];
      if (n % SINGLES === SINGLES - 1) yield/** @type {Fault[]} */ (pairs.pop());
    }
  }
}

/** Two of different groups each, in any order. @param {Random} random @param {Fault[]} faults */
function pairsOf(random, faults) {
  const real = faults.filter((fault) => fault !== nothing);
  const pairs = real.flatMap((one) =>
    real.filter((other) => other.group !== one.group).map((other) => [one, other]),
  );
  return random.shuffled(pairs);
}
