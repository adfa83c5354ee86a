// @ts-check
// npm test: everything that the tests need, then all tests. `--matrix`: on MariaDB, then on MySQL.
import fs from "node:fs";
import path from "node:path";
import { findBrowser } from "./browser.js";
import { databaseUrlFromEnvironment, startDatabase } from "./database.js";
import { endLeftOver } from "./database-left-over.js";
import { findServer } from "./database-server.js";
import { ensureBuilt } from "./fresh-build.js";
import { ensureDependencies } from "./install.js";
import { runJest } from "./jest.js";
import { checkNodeVersion } from "./node-version.js";
import { cacheFolder } from "./paths.js";
import { commandLineOf } from "./processes.js";
import { onShutdown, shutdown } from "./shutdown.js";

/** @typedef {import("./database-server.js").Engine} Engine */
/** @typedef {import("./database-server.js").Server} Server */
/** @typedef {import("./jest.js").NotRun} NotRun */

const inCi = process.env["CI"] === "true";
const matrix = process.argv.includes("--matrix");
const jestArguments = process.argv.slice(2).filter((argument) => argument !== "--matrix");
const say = (/** @type {string} */ line) => console.log(`· ${line}`);

/** @type {NotRun[]} */
const notRun = [];
let passed = 0;
let failed = 0;

/**
 * @param {{ url: string, engine: Engine, external: boolean }} database
 * @param {Awaited<ReturnType<typeof findBrowser>>} browser
 */
async function runSuite({ url, engine, external }, browser) {
  say(`Running the tests on ${engine === "mysql" ? "MySQL" : "MariaDB"}.`);
  const result = await runJest({
    args: jestArguments,
    environment: {
      TEST_DATABASE_URL: url,
      TEST_DATABASE_ENGINE: engine,
      TEST_DATABASE_EXTERNAL: external ? "1" : undefined,
      TEST_BROWSER: "path" in browser ? JSON.stringify(browser) : undefined,
    },
  });
  passed += result.passed;
  failed += result.failed;
  notRun.push(...result.notRun);
}

/**
 * @param {Server} server
 * @param {Awaited<ReturnType<typeof findBrowser>>} browser
 */
async function runOnPrivateServer(server, browser) {
  const { engine } = server;
  // The process id in the name tells a later run whose folder this is.
  const folder = path.join(cacheFolder, `test-${engine}-${process.pid}`);
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  const forget = onShutdown(remove);
  try {
    const database = await startDatabase({ engine, folder, say, server });
    try {
      await runSuite({ url: database.url, engine, external: false }, browser);
    } finally {
      await database.stop();
    }
  } finally {
    remove();
    forget();
  }
}

/** What runs that were killed have left: a server perhaps, and its folder. */
async function removeAbandoned() {
  if (!fs.existsSync(cacheFolder)) return;
  for (const name of fs.readdirSync(cacheFolder)) {
    const pid = /^(?:test|jest)-\w+-(\d+)$/.exec(name)?.[1];
    if (!pid || Number(pid) === process.pid || (await commandLineOf(Number(pid))).includes("test.js"))
      continue;
    const folder = path.join(cacheFolder, name);
    await endLeftOver(folder, say);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} url @returns {Promise<Engine>} */
async function engineOf(url) {
  const mysql = await import("mysql2/promise");
  const connection = await mysql.createConnection(url);
  const [rows] = await connection.query("SELECT VERSION() AS version");
  await connection.end();
  return /mariadb/i.test(JSON.stringify(rows)) ? "mariadb" : "mysql";
}

/** @param {Awaited<ReturnType<typeof findBrowser>>} browser */
async function runMatrix(browser) {
  if (process.env["DATABASE_URL"]) say("The matrix runs on private servers: DATABASE_URL is not used.");
  await runOnPrivateServer(await findServer({ engine: "mariadb", say }), browser);
  const mysql = await findMysql();
  if (mysql) await runOnPrivateServer(mysql, browser);
}

/** Undefined only where CI_WITHOUT_MYSQL=1 allows it. @returns {Promise<Server | undefined>} */
async function findMysql() {
  try {
    return await findServer({ engine: "mysql", say });
  } catch (error) {
    if (process.env["CI_WITHOUT_MYSQL"] !== "1") throw error;
    const why = `no MySQL server to be had, and CI_WITHOUT_MYSQL=1 is set`;
    notRun.push({ what: "all tests on MySQL", why, command: "npm run test:matrix", allowed: true });
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

async function main() {
  await removeAbandoned();
  await ensureDependencies({ say });
  await ensureBuilt({ say });
  const browser = await findBrowser({ say });
  if ("missing" in browser)
    notRun.push({ what: "browser tests", why: browser.missing, command: browser.command });
  const given = matrix ? undefined : databaseUrlFromEnvironment({ say });
  if (matrix) await runMatrix(browser);
  else if (given) await runSuite({ url: given, engine: await engineOf(given), external: true }, browser);
  else await runOnPrivateServer(await findServer({ engine: "any", say }), browser);
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
