// @ts-check
// npm test: all tests. Jest starts what they need (jest/setup.js). `--mysql`: on MySQL, those that use a
// database; `--matrix`: all on MariaDB, then those on MySQL. `--batches`: the proofs that no update is lost
// and no session revived, with the width of statements forced (test/support/stores/crowded-store.js).

import { ensureBuilt } from "./build/fresh-build.js";
import { ensureDependencies } from "./install.js";
import { selection } from "./jest/projects.js";
import { runJest } from "./jest/run.js";
import { engineOf } from "./jest/setup-database.js";
import { checkNodeVersion } from "./node-version.js";
import { databaseUrlFromEnvironment } from "./servers/database.js";
import { findServer } from "./servers/database-server.js";
import { shutdown } from "./shutdown.js";

/** @typedef {import("./servers/database-server.js").Engine} Engine */
/** @typedef {import("./jest/run.js").NotRun} NotRun */
/**
 * @typedef {Record<string, string | undefined>} Environment what the tests find in it; undefined: what they
 * do not find
 */

const inCi = process.env["CI"] === "true";
const OWN = ["--matrix", "--mysql", "--batches"];
const [matrix, mysqlAlone, batches] = OWN.map((name) => process.argv.includes(name));
const jestArguments = process.argv.slice(2).filter((argument) => !OWN.includes(argument));
const say = (/** @type {string} */ line) => console.log(`· ${line}`);

/** @type {NotRun[]} */
const notRun = [];
let passed = 0;
let failed = 0;

/**
 * @param {Engine} engine
 * @param {Environment} environment
 */
async function runSuite(engine, environment = {}) {
  const width = environment["TEST_BATCH_WIDTH"];
  const isSecondEngine = engine === "mysql" && Boolean(matrix || mysqlAlone);
  const forced = width ? `, with ${width} rows or more in each statement` : "";
  const how = isSecondEngine && jestArguments.length === 0 ? ": those that use a database" : forced;
  say(`Running the tests on ${engine === "mysql" ? "MySQL" : "MariaDB"}${how}.`);
  const result = await runJest({
    args: selection({ asked: jestArguments, isProof: Boolean(width), isSecondEngine }),
    environment: { ...environment, TEST_DATABASE_ENGINE: engine },
  });
  passed += result.passed;
  failed += result.failed;
  notRun.push(...result.notRun);
}

/** These run on private servers. */
const PRIVATE = { DATABASE_URL: undefined };

/**
 * @param {"any" | Engine} engine
 * @param {Environment} [environment]
 */
async function runOnPrivateServer(engine, environment) {
  const server = await findServer({ engine, say });
  await runSuite(server.engine, { ...environment, ...PRIVATE });
}

async function runMatrix() {
  if (process.env["DATABASE_URL"]) say("The matrix runs on private servers: DATABASE_URL is not used.");
  await runOnPrivateServer("mariadb");
  await runOnMysql();
}

/** Not where CI_WITHOUT_MYSQL=1 allows that. @param {Environment} [environment] */
async function runOnMysql(environment) {
  try {
    await findServer({ engine: "mysql", say });
  } catch (error) {
    if (process.env["CI_WITHOUT_MYSQL"] !== "1") throw error;
    const why = `no MySQL server to be had, and CI_WITHOUT_MYSQL=1 is set`;
    notRun.push({ what: "all tests on MySQL", why, command: "npm run test:mysql", allowed: true });
    console.error(error instanceof Error ? error.message : error);
    return;
  }
  await runOnPrivateServer("mysql", environment);
}

/** Two widths, each on one of the servers. */
async function runBatches() {
  await runOnPrivateServer("mariadb", { TEST_BATCH_WIDTH: "64" });
  await runOnMysql({ TEST_BATCH_WIDTH: "2" });
}

async function main() {
  await ensureDependencies({ say });
  // Here and not in Jest alone, so that sources that do not compile are told before anything is started.
  await ensureBuilt({ say });
  if (matrix) return runMatrix();
  if (mysqlAlone) return runOnMysql();
  if (batches) return runBatches();
  const url = databaseUrlFromEnvironment({ say: () => {} });
  if (url) return runSuite(await engineOf(url));
  await runOnPrivateServer("any");
}

/** @returns {number} the exit code */
function report() {
  const lines = new Set(notRun.map(({ what, why, command }) => `  ${what}: ${why}; to add it: ${command}`));
  if (lines.size > 0) console.log(["", "Not run here:", ...lines].join("\n"));
  const incomplete = inCi && notRun.some(({ allowed }) => !allowed);
  if (incomplete) console.log("With CI=true nothing may be left out: that counts as a failure.");
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed > 0 || incomplete ? 1 : 0;
}

checkNodeVersion();
try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  failed += 1;
}
await shutdown();
process.exit(report());
