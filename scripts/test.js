// @ts-check
// npm test: everything that the tests need, then all tests. `--mysql`: on MySQL, those that use a database; `--matrix`: all on MariaDB, then
// those on MySQL.
// `--batches`: the proofs that no update is lost and no session revived, with the width of statements forced (test/support/stores/crowded-store.js).
import { ensureBuilt } from "./build/fresh-build.js";
import { ensureDependencies } from "./install.js";
import { runJest } from "./jest.js";
import { checkNodeVersion } from "./node-version.js";
import { findBrowser } from "./servers/browser.js";
import { offerBrowser } from "./servers/browser-server.js";
import { databaseUrlFromEnvironment, startDatabase } from "./servers/database.js";
import { findServer } from "./servers/database-server.js";
import { checkAnswers, redisUrlFromEnvironment, startRedis } from "./servers/redis.js";
import { findRedis } from "./servers/redis-server.js";
import { shutdown } from "./shutdown.js";
import { inTestFolder, removeAbandoned } from "./test-folders.js";
import { selection } from "./test-selection.js";

/** @typedef {import("./servers/database-server.js").Engine} Engine */
/** @typedef {import("./servers/database-server.js").Server} Server */
/** @typedef {import("./jest.js").NotRun} NotRun */
/** @typedef {Record<string, string | undefined>} Environment what the tests find in it besides a database */

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
 * @param {{ url: string, engine: Engine, external: boolean }} database
 * @param {Environment} environment
 */
async function runSuite({ url, engine, external }, environment) {
  const width = environment["TEST_BATCH_WIDTH"];
  const isSecondEngine = engine === "mysql" && Boolean(matrix || mysqlAlone);
  const forced = width ? `, with ${width} rows or more in each statement` : "";
  const how = isSecondEngine && jestArguments.length === 0 ? ": those that use a database" : forced;
  say(`Running the tests on ${engine === "mysql" ? "MySQL" : "MariaDB"}${how}.`);
  const result = await runJest({
    args: selection({ asked: jestArguments, isProof: Boolean(width), isSecondEngine }),
    environment: {
      ...environment,
      TEST_DATABASE_URL: url,
      TEST_DATABASE_ENGINE: engine,
      TEST_DATABASE_EXTERNAL: external ? "1" : undefined,
    },
  });
  passed += result.passed;
  failed += result.failed;
  notRun.push(...result.notRun);
}

/**
 * @param {Server} server
 * @param {Environment} environment
 */
function runOnPrivateServer(server, environment) {
  const { engine } = server;
  return inTestFolder(engine, async (folder) => {
    const database = await startDatabase({ engine, folder, say, server });
    try {
      await runSuite({ url: database.url, engine, external: false }, environment);
    } finally {
      await database.stop();
    }
  });
}

/**
 * Calls `run` with the URL of a Redis server, with none where none can be had.
 * @param {(url?: string) => Promise<void>} run
 */
async function withRedis(run) {
  const given = redisUrlFromEnvironment({ say });
  if (given) {
    await checkAnswers(given);
    return run(given);
  }
  const server = await findRedis({ say });
  if ("missing" in server) {
    notRun.push({ what: "Redis tests", why: server.missing, command: server.command });
    return run();
  }
  await inTestFolder("redis", async (folder) => {
    const redis = await startRedis({ server, folder, say });
    try {
      await run(redis.url);
    } finally {
      await redis.stop();
    }
  });
}

/** @param {string} url @returns {Promise<Engine>} */
async function engineOf(url) {
  const mysql = await import("mysql2/promise");
  const connection = await mysql.createConnection(url);
  const [rows] = await connection.query("SELECT VERSION() AS version");
  await connection.end();
  return /mariadb/i.test(JSON.stringify(rows)) ? "mariadb" : "mysql";
}

/** @param {Environment} environment */
async function runMatrix(environment) {
  if (process.env["DATABASE_URL"]) say("The matrix runs on private servers: DATABASE_URL is not used.");
  await runOnPrivateServer(await findServer({ engine: "mariadb", say }), environment);
  await runOnMysql(environment);
}

/** @param {Environment} environment */
async function runOnMysql(environment) {
  const mysql = await findMysql();
  if (mysql) await runOnPrivateServer(mysql, environment);
}

/** Two widths, each on one of the servers. @param {Environment} environment */
async function runBatches(environment) {
  const mariadb = await findServer({ engine: "mariadb", say });
  await runOnPrivateServer(mariadb, { ...environment, TEST_BATCH_WIDTH: "64" });
  await runOnMysql({ ...environment, TEST_BATCH_WIDTH: "2" });
}

/** Undefined only where CI_WITHOUT_MYSQL=1 allows it. @returns {Promise<Server | undefined>} */
async function findMysql() {
  try {
    return await findServer({ engine: "mysql", say });
  } catch (error) {
    if (process.env["CI_WITHOUT_MYSQL"] !== "1") throw error;
    const why = `no MySQL server to be had, and CI_WITHOUT_MYSQL=1 is set`;
    notRun.push({ what: "all tests on MySQL", why, command: "npm run test:mysql", allowed: true });
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

async function main() {
  await removeAbandoned({ say });
  await ensureDependencies({ say });
  await ensureBuilt({ say });
  const browser = await findBrowser({ say });
  if ("missing" in browser)
    notRun.push({ what: "browser tests", why: browser.missing, command: browser.command });
  const offered = "path" in browser ? await offerBrowser(browser) : undefined;
  await withRedis((redisUrl) => runAll({ TEST_BROWSER: offered?.url, TEST_REDIS_URL: redisUrl }));
  await offered?.stop();
}

/** @param {Environment} environment */
async function runAll(environment) {
  if (matrix) return runMatrix(environment);
  if (mysqlAlone) return runOnMysql(environment);
  if (batches) return runBatches(environment);
  const url = databaseUrlFromEnvironment({ say });
  if (url) return runSuite({ url, engine: await engineOf(url), external: true }, environment);
  await runOnPrivateServer(await findServer({ engine: "any", say }), environment);
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
