// @ts-check
// Which test files there are, in three projects of Jest: what is run once more, and where, goes by these.

/** Without a database: another engine would show nothing new. */
const WITHOUT_DATABASE = [
  "test/unit",
  "test/docs",
  "test/simulation",
  "test/browser/adapters",
  "test/integration/adapters",
];

/**
 * By name, the folders whose tests a project has, and those in them that another one has.
 * @type {Readonly<Record<string, { folders: readonly string[], except?: readonly string[] }>>}
 */
export const PROJECTS = {
  "no-database": { folders: WITHOUT_DATABASE },
  // What is promised of writes, which go out in statements of many rows: nothing is lost, doubled or revived.
  proofs: { folders: ["test/proofs"] },
  database: {
    folders: ["test/browser", "test/contract", "test/examples", "test/integration"],
    except: WITHOUT_DATABASE,
  },
};

/**
 * The arguments for Jest that choose the files. Whoever names files or tests gets these.
 * @param {object} run
 * @param {readonly string[]} run.asked what stands after `npm test --`
 * @param {boolean} [run.isProof] only what proves that nothing is lost, doubled or revived
 * @param {boolean} [run.isSecondEngine] not what needs no database: it has run, or will, with another engine
 * @returns {string[]}
 */
export function selection({ asked, isProof = false, isSecondEngine = false }) {
  // At the end, because the option takes all names that follow it.
  if (isProof) return [...asked, "--selectProjects", "proofs"];
  if (!isSecondEngine || asked.length > 0) return [...asked];
  return ["--selectProjects", "proofs", "database"];
}
