// @ts-check
// Which test file begins first: a long one that begins last is waited for alone.
import Sequencer from "@jest/test-sequencer";

/** The files that take longest, for a machine on which Jest has not measured them yet. */
export const LONGEST = [
  "test/integration/database/database-clock.test.ts",
  "test/examples/from-socket.io-sessions.test.ts",
  "test/integration/cluster/redis-away.test.ts",
  "test/integration/recovery/streams.test.ts",
  "test/browser/demo/visitors.test.ts",
  "test/integration/socket.io/application-functions.test.ts",
  "test/examples/from-socketstream.test.ts",
  "test/browser/adapters/cordova.test.ts",
  "test/integration/recovery/to-user.test.ts",
  "test/examples/from-socket.io-mysql-session.test.ts",
  "test/unit/handle/rotation-simulation.test.ts",
  "test/unit/registry/touch-pace.test.ts",
  "test/proofs/ending/revival.test.ts",
  "test/proofs/writing/faults.test.ts",
  "test/proofs/cluster/cluster.test.ts",
  "test/browser/demo/devices.test.ts",
  "test/unit/handle/rotation-simulation-lossy.test.ts",
  "test/unit/handle/rotation-simulation-stalls.test.ts",
  "test/integration/database/late-reads.test.ts",
];

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
      const at = LONGEST.findIndex((name) => file.endsWith(`/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return sorted.sort((one, other) => rank(one) - rank(other));
  }
}
