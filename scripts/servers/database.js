// @ts-check
// A private database server: its own data folder, this machine only, a port of its own.
import fs from "node:fs";
import path from "node:path";
import {
  layoutOf,
  makeData,
  rootPassword,
  temporaryArguments,
  userArguments,
  writeRootAccounts,
} from "./database-folder.js";
import { endLeftOver } from "./database-left-over.js";
import { findServer } from "./database-server.js";
import { onFreePort } from "./ports.js";
import { startServer } from "./server-process.js";

export { databaseUrlFromEnvironment } from "./database-url.js";

/** @typedef {import("../paths.js").Say} Say */
/** @typedef {import("./database-server.js").Engine} Engine */
/** @typedef {import("./database-server.js").Server} Server */
/**
 * @typedef {object} Database
 * @property {string} url mysql://root:<password>@127.0.0.1:<port>/ - carries the password: never print it
 * @property {Engine} engine
 * @property {string} version
 * @property {number} port
 * @property {Promise<void>} exited resolves when the server has ended, for whatever reason
 * @property {() => Promise<void>} stop ends it gracefully; calling it again does no harm
 */

/**
 * Starts a server on the data in `folder`, which is made when it is not there.
 * @param {object} options
 * @param {"any" | Engine} options.engine
 * @param {string} options.folder
 * @param {Say} options.say
 * @param {Server} [options.server] what findServer() gave, when the caller has asked already
 * @param {Record<string, string>} [options.environment] of the server, besides ours
 * @param {number} [options.startWithinMs] how long it may take until it answers
 * @param {number} [options.port] a certain port instead of a free one, for a restart that clients shall
 * survive
 * @param {readonly string[]} [options.settings] come after our own
 * @returns {Promise<Database>}
 */
export async function startDatabase({
  engine,
  folder: given,
  say,
  server: known,
  environment,
  startWithinMs,
  port: wantedPort,
  settings,
}) {
  const folder = path.resolve(given);
  const server = known ?? (await findServer({ engine, say }));
  await endLeftOver(folder, say);
  if (await makeData(server, folder))
    say(`Made a new data folder in ${path.relative(process.cwd(), folder)}.`);
  const database = await onFreePort(
    (port) => start(server, { folder, port, environment, startWithinMs, settings }),
    wantedPort,
  );
  say(
    `${server.engine === "mysql" ? "MySQL" : "MariaDB"} ${server.version} runs on 127.0.0.1:${database.port}.`,
  );
  return database;
}

/**
 * @param {Server} server
 * @param {{ folder: string, port: number, environment?: Record<string, string> | undefined,
 *   startWithinMs?: number | undefined, settings?: readonly string[] | undefined }} options
 * @returns {Promise<Database>}
 */
async function start(server, { folder, port, environment = {}, startWithinMs, settings = [] }) {
  const { exited, stop } = await startServer({
    title: "The database server",
    program: server.program,
    args: [...server.leading, ...serverArguments(server, folder, port), ...settings],
    folder,
    port,
    environment,
    ...(startWithinMs !== undefined && { startWithinMs }),
    temporary: [layoutOf(folder).accounts],
    hint,
  });
  const url = `mysql://root:${rootPassword(folder)}@127.0.0.1:${port}/`;
  return { url, engine: server.engine, version: server.version, port, exited, stop };
}

/**
 * Few and small settings: tests shall see the defaults that users have.
 * @param {Server} server
 * @param {string} folder
 * @param {number} port
 */
function serverArguments(server, folder, port) {
  const own =
    server.engine === "mysql"
      ? ["--mysqlx=OFF", "--secure-file-priv=NULL", "--disable-log-bin", "--innodb-redo-log-capacity=64M"]
      : ["--performance-schema=OFF", "--innodb-log-file-size=64M"];
  const { data, accounts } = layoutOf(folder);
  writeRootAccounts(folder);
  return [
    "--no-defaults",
    ...server.placed,
    ...userArguments(),
    ...(process.platform === "win32" ? ["--console"] : []),
    `--datadir=${data}`,
    `--init-file=${accounts}`,
    `--pid-file=${path.join(data, "server.pid")}`,
    ...temporaryArguments(folder),
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    // No socket file: its path may be no longer than 107 bytes, which a project folder easily exceeds.
    "--socket=",
    "--max-connections=300",
    "--innodb-buffer-pool-size=128M",
    ...own,
  ];
}

/** @param {string} said */
function hint(said) {
  const denied = /permission denied|errno:? 13\b/i.test(said);
  if (!denied || !fs.existsSync("/etc/apparmor.d/usr.sbin.mysqld")) return "";
  return "AppArmor may keep this machine's server out of the folder; DATABASE_URL can name another server. ";
}
