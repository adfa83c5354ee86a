// @ts-check
// Between the nodes and the database.

/** @typedef {import("./fault.js").Fault} Fault */
/** @typedef {import("../proxy.js").Rules} Rules */

/** @param {string} name @param {Partial<Rules>} rules @returns {Fault} */
const rule = (name, rules) => ({
  name,
  group: "network",
  seconds: [3, 6],
  async begin({ servers: { proxy } }) {
    Object.assign(proxy.rules, rules);
    return () => proxy.restore(.../** @type {(keyof Rules)[]} */ (Object.keys(rules)));
  },
});

/** @type {readonly Fault[]} */
export const networkFaults = [
  rule("answersCut", { cutAnswer: 0.15 }),
  rule("statementsCut", { cutBefore: 0.15 }),
  rule("statementsLate", { late: 0.1 }),
  rule("answersSlow", { delay: 0.5, delayMs: 1500 }),
  {
    name: "silence",
    group: "network",
    seconds: [3, 7],
    begin: async ({ servers }) => servers.proxy.hang(),
  },
];
