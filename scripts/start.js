// @ts-check
// npm start: everything that the demo needs, from a fresh clone to a running server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { databaseUrlFromEnvironment, startDatabase } from "./database.js";
import { findServer } from "./database-server.js";
import { withDatabase } from "./database-url.js";
import { makeAccount, makeTable } from "./dba.js";
import { ensureBuilt } from "./fresh-build.js";
import { ensureDependencies } from "./install.js";
import { checkNodeVersion } from "./node-version.js";
import { keptPassword } from "./passwords.js";
import { dataFolder, projectFolder } from "./paths.js";
import { freePortFrom } from "./ports.js";
import { isShuttingDown, onShutdown, shutdown } from "./shutdown.js";

const name = "token_session_demo";
const say = (/** @type {string} */ line) => console.log(`· ${line}`);

/** A private server, and an account with the rights of sql/grant.sql on it. */
async function privateDatabase() {
  const server = await findServer({ engine: "any", say });
  const folder = path.join(dataFolder, server.engine);
  const database = await startDatabase({ engine: server.engine, folder, say, server });
  database.exited.then(() => end(1, "The database server ended."));
  const password = keptPassword(path.join(dataFolder, `${server.engine}-demo-password`));
  await playDba(database.url, { database: name, account: name, password });
  return `mysql://${name}:${password}@127.0.0.1:${database.port}/${name}`;
}

/** @param {string} url */
async function givenDatabase(url) {
  say(`Everything happens in its database ${name}, with the account of DATABASE_URL as it is.`);
  await playDba(url);
  return withDatabase(url, name);
}

/**
 * @param {string} url
 * @param {{ database: string, account: string, password: string }} [account]
 */
async function playDba(url, account) {
  const mysql = await import("mysql2/promise");
  const connection = await mysql.createConnection({ uri: withDatabase(url, ""), charset: "utf8mb4" });
  try {
    if (await makeTable(connection, name)) {
      say("Playing the DBA: applied sql/session.sql. The library itself never creates a table.");
    }
    if (!account) return;
    await makeAccount(connection, account);
    say(`Playing the DBA: the demo's account ${name} has the rights of sql/grant.sql and no others.`);
  } finally {
    await connection.end();
  }
}

/** @param {string} databaseUrl */
async function startDemo(databaseUrl) {
  const port = process.env["PORT"] || String(await freePortFrom(3000));
  const withParent = pathToFileURL(path.join(projectFolder, "scripts", "with-parent.js")).href;
  const demo = spawn(process.execPath, ["--import", withParent, path.join("examples", "demo", "server.js")], {
    cwd: projectFolder,
    env: { ...process.env, DATABASE_URL: databaseUrl, PORT: port, WITH_PARENT: String(process.pid) },
    // Ctrl-C is for us; the demo gets one SIGTERM.
    detached: process.platform !== "win32",
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  const exited = once(demo, "exit");
  onShutdown(async () => {
    const escalation = setTimeout(() => demo.kill("SIGKILL"), 15_000);
    demo.kill("SIGTERM");
    await exited;
    clearTimeout(escalation);
  });
  exited.then(([code, signal]) =>
    end(code ?? 1, `The demo server ended (${signal ?? `exit code ${code}`}).`),
  );
}

/**
 * Stops everything, once, with the code of what ended first.
 * @param {number} code
 * @param {string} why
 */
async function end(code, why) {
  if (isShuttingDown()) return;
  console.error(why);
  await shutdown();
  process.exit(code);
}

checkNodeVersion();
try {
  await ensureDependencies({ say });
  await ensureBuilt({ say });
  const given = databaseUrlFromEnvironment({ say });
  await startDemo(given ? await givenDatabase(given) : await privateDatabase());
} catch (error) {
  await end(1, error instanceof Error ? error.message : String(error));
}
