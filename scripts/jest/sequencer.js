// @ts-check
// Which test file begins first: a long one that begins last is waited for alone.
import Sequencer from "@jest/test-sequencer";

/** The files that take longest, for a machine on which Jest has not measured them yet. */
const LONGEST = [
  "integration/database/berlin-clock",
  "integration/database/new-york-clock",
  "integration/cluster/redis-away",
  "integration/recovery/to-user",
  "integration/recovery/streams",
  "browser/demo/visitors",
  "unit/registry/touch-pace",
  "examples/from-socket.io-sessions",
  "integration/database/late-reads",
  "proofs/ending/revival",
].map((name) => `/test/${name}.test.ts`);

/** @typedef {import("@jest/test-result").Test} Test */

// Its types are those of its CommonJS form, where the class is in `default`.
const Base = /** @type {typeof Sequencer.default} */ (/** @type {unknown} */ (Sequencer));

export default class LongestFirst extends Base {
  /** @override @param {Test[]} tests */
  async sort(tests) {
    // Those that failed, then by the time that they took, where that is known; else by their size.
    const sorted = await super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    const rank = (/** @type {Test} */ { path }) => {
      const file = path.replaceAll("\\", "/");
      const at = LONGEST.findIndex((name) => file.endsWith(name));
      return at < 0 ? LONGEST.length : at;
    };
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}
