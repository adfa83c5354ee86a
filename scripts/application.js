// @ts-check
// A server program of this repository with all that it needs, from a fresh clone on: for `npm start` and
// `npm run example`.
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { ensureBuilt } from "./build/fresh-build.js";
import { makeAccount, makeTable } from "./dba.js";
import { ensureDependencies } from "./install.js";
import { checkNodeVersion } from "./node-version.js";
import { keptPassword } from "./passwords.js";
import { dataFolder, projectFolder } from "./paths.js";
import { waitForEnd } from "./processes.js";
import { databaseUrlFromEnvironment, startDatabase } from "./servers/database.js";
import { findServer } from "./servers/database-server.js";
import { withDatabase } from "./servers/database-url.js";
import { freePortFrom } from "./servers/ports.js";
import { checkAnswers, redisUrlFromEnvironment, startRedis } from "./servers/redis.js";
import { findRedis } from "./servers/redis-server.js";
import { isShuttingDown, onShutdown, shutdown } from "./shutdown.js";

/**
 * @typedef {object} Application
 * @property {string} title "The demo", for messages
 * @property {string} program the server's file, in the project; DATABASE_URL and PORT are in its
 * environment
 * @property {string} name of its database and of the account for it: letters, digits and _, at most 32
 * @property {string} passwordFile in .data, after the engine's name
 * @property {boolean} [redis] whether it needs a Redis server too, by REDIS_URL
 */

const say = (/** @type {string} */ line) => console.log(`· ${line}`);

/**
 * Installs, builds, starts a private database (or uses that of DATABASE_URL), plays the DBA, and runs the
 * program until Ctrl-C, which stops all of it.
 * @param {Application} application
 */
export async function runApplication(application) {
  checkNodeVersion();
  try {
    await ensureDependencies({ say });
    await ensureBuilt({ say });
    const given = databaseUrlFromEnvironment({ say });
    const databaseUrl = given ? await givenDatabase(given, application) : await privateDatabase(application);
    await startProgram(application, {
      DATABASE_URL: databaseUrl,
      ...(application.redis && { REDIS_URL: await redisUrl() }),
    });
  } catch (error) {
    await end(1, error instanceof Error ? error.message : String(error));
  }
}

/**
 * A private server, and an account with the rights of sql/grant.sql on it.
 * @param {Application} application
 */
async function privateDatabase({ title, name, passwordFile }) {
  const server = await findServer({ engine: "any", say });
  const folder = path.join(dataFolder, server.engine);
  const database = await startDatabase({ engine: server.engine, folder, say, server });
  database.exited.then(() => end(1, "The database server ended."));
  const password = keptPassword(path.join(dataFolder, `${server.engine}-${passwordFile}`));
  await playDba(database.url, { title, name, password });
  return `mysql://${name}:${password}@127.0.0.1:${database.port}/${name}`;
}

/** @param {string} url @param {Application} application */
async function givenDatabase(url, { title, name }) {
  say(`Everything happens in its database ${name}, with the account of DATABASE_URL as it is.`);
  await playDba(url, { title, name });
  return withDatabase(url, name);
}

/**
 * @param {string} url
 * @param {{ title: string, name: string, password?: string }} options without a password no account is made
 */
async function playDba(url, { title, name, password }) {
  const mysql = await import("mysql2/promise");
  const connection = await mysql.createConnection({ uri: withDatabase(url, ""), charset: "utf8mb4" });
  try {
    if (await makeTable(connection, name)) {
      say("Playing the DBA: applied sql/session.sql. The library itself never creates a table.");
    }
    if (!password) return;
    await makeAccount(connection, { database: name, account: name, password });
    say(`Playing the DBA: ${title}'s account ${name} has the rights of sql/grant.sql and no others.`);
  } finally {
    await connection.end();
  }
}

/** Of REDIS_URL, or of a private server. */
async function redisUrl() {
  const given = redisUrlFromEnvironment({ say });
  if (given) {
    await checkAnswers(given);
    return given;
  }
  const server = await findRedis({ say });
  if ("missing" in server) {
    throw new Error(`There is no Redis: ${server.missing}. It comes with: ${server.command}`);
  }
  const redis = await startRedis({ server, folder: path.join(dataFolder, "redis"), say });
  redis.exited.then(() => end(1, "The Redis server ended."));
  return redis.url;
}

/**
 * @param {Application} application
 * @param {Record<string, string>} environment
 */
async function startProgram({ title, program }, environment) {
  const port = process.env["PORT"] || String(await freePortFrom(3000));
  const withParent = pathToFileURL(path.join(projectFolder, "scripts", "with-parent.js")).href;
  const child = spawn(process.execPath, ["--import", withParent, program], {
    cwd: projectFolder,
    env: { ...process.env, ...environment, PORT: port, WITH_PARENT: String(process.pid) },
    // Ctrl-C is for us; the program gets one SIGTERM.
    detached: process.platform !== "win32",
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  onShutdown(async () => {
    child.kill("SIGTERM");
    await waitForEnd(child, exited, 15_000);
  });
  exited.then(([code, signal]) =>
    end(code ?? 1, `The server of ${title} ended (${signal ?? `exit code ${code}`}).`),
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
