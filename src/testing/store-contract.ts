import { deleteCases } from "./cases/delete.js";
import { faultCases } from "./cases/faults.js";
import { forUserCases } from "./cases/for-user.js";
import { identityCases } from "./cases/identity.js";
import { idleSecondsCases } from "./cases/idle-seconds.js";
import { insertCases } from "./cases/insert.js";
import { listCases } from "./cases/list.js";
import { loadCases } from "./cases/load.js";
import { loadRevisionsCases } from "./cases/load-revisions.js";
import { pruneCases } from "./cases/prune.js";
import { sharingCases } from "./cases/sharing.js";
import { statsCases } from "./cases/stats.js";
import { touchCases } from "./cases/touch.js";
import { writeCases } from "./cases/write.js";
import type { StoreCase } from "./harness.js";

/**
 * Every rule that a store must keep, as cases for any test framework: each is a name and a function that
 * rejects where the rule is broken. Open the store with {@link contractSettings}, on rows that nothing else
 * uses, and run the cases one after the other. Cases of a method that a store may leave out do nothing where
 * it is left out.
 *
 * @example
 * import { test } from "node:test"; // or Jest, Vitest, Mocha …
 * import { contractSettings, storeContract } from "socket.io-token-session/testing";
 *
 * const rows = new Map();
 * const store = myStore(rows)(contractSettings);
 *
 * for (const { name, run } of storeContract) {
 *   test(name, () =>
 *     run({
 *       store,
 *       setTimes: async (sessionId, times) => void Object.assign(rows.get(sessionId), times),
 *     }),
 *   );
 * }
 */
export const storeContract: readonly StoreCase[] = [
  ...loadCases,
  ...insertCases,
  ...writeCases,
  ...identityCases,
  ...idleSecondsCases,
  ...touchCases,
  ...deleteCases,
  ...loadRevisionsCases,
  ...pruneCases,
  ...forUserCases,
  ...listCases,
  ...statsCases,
  ...sharingCases,
  ...faultCases,
];
