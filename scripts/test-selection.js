// @ts-check
// Which test files a run takes.

/** Folders in which no test uses a database: on another engine they would show nothing new. */
export const WITHOUT_DATABASE = [
  "test/unit",
  "test/docs",
  "test/browser/adapters",
  "test/integration/adapters",
];

/** What is promised of writes, which go out in statements of many rows: nothing is lost, doubled or revived. */
const PROOFS = "test/proofs/";

/**
 * The arguments for Jest that choose the files. Whoever names files or tests gets these.
 * @param {object} run
 * @param {readonly string[]} run.asked what stands after `npm test --`
 * @param {boolean} [run.isProof] only what proves that nothing is lost, doubled or revived
 * @param {boolean} [run.isSecondEngine] not what needs no database: it has run, or will, with another engine
 * @returns {string[]}
 */
export function selection({ asked, isProof = false, isSecondEngine = false }) {
  if (isProof) return [PROOFS, ...asked];
  if (!isSecondEngine || asked.length > 0) return [...asked];
  return WITHOUT_DATABASE.map((folder) => `--testPathIgnorePatterns=/${folder}/`);
}
