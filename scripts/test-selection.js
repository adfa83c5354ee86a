// @ts-check
// Which test files a run takes.

/** Folders in which no test uses a database: on another engine they would show nothing new. */
export const WITHOUT_DATABASE = [
  "test/unit",
  "test/docs",
  "test/browser/adapters",
  "test/integration/adapters",
];

/** Files of test/integration whose promises rest on how writes go out. */
const PROOFS =
  "exactness|lost-updates|revival|update|writes|with-session|with-session-limits|with-session-nested|destroy-uncertain|ending|expiry|" +
  "outage|faults|close|close-edges|rotation|rotation-crash|rotation-one-step|rotation-races|fixation|fixation-edges|login|users|cluster|" +
  "rolling-restart|session-events|batches";

/**
 * The arguments for Jest that choose the files. Whoever names files or tests gets these.
 * @param {object} run
 * @param {readonly string[]} run.asked what stands after `npm test --`
 * @param {boolean} [run.isProof] only what proves that nothing is lost, doubled or revived
 * @param {boolean} [run.isSecondEngine] not what needs no database: it has run, or will, with another engine
 * @returns {string[]}
 */
export function selection({ asked, isProof = false, isSecondEngine = false }) {
  if (isProof) return [`test/integration/(${PROOFS})\\.test`, ...asked];
  if (!isSecondEngine || asked.length > 0) return [...asked];
  return WITHOUT_DATABASE.map((folder) => `--testPathIgnorePatterns=/${folder}/`);
}
