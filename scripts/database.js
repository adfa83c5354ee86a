// @ts-check
// A private database server: its own data folder, this machine only, a port of its own.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { layoutOf, makeData, rootPassword, userArguments, writeRootAccounts } from "./database-folder.js";
import { endLeftOver, recordRunning } from "./database-left-over.js";
import { findServer } from "./database-server.js";
import { freePort, waitForGreeting } from "./ports.js";
import { lastLines } from "./processes.js";
import { onShutdown } from "./shutdown.js";

export { databaseUrlFromEnvironment } from "./database-url.js";

/** @typedef {import("./paths.js").Say} Say */
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

const startTimeoutMs = 120_000;
const stopTimeoutMs = 30_000;

/**
 * Starts a server on the data in `folder`, which is made when it is not there.
 * @param {object} options
 * @param {"any" | Engine} options.engine
 * @param {string} options.folder
 * @param {Say} options.say
 * @param {Server} [options.server] what findServer() gave, when the caller has asked already
 * @param {number} [options.port] a certain port instead of a free one, for a restart that clients shall survive
 * @returns {Promise<Database>}
 */
export async function startDatabase({ engine, folder: given, say, server: known, port: wantedPort }) {
  const folder = path.resolve(given);
  const server = known ?? (await findServer({ engine, say }));
  await endLeftOver(folder, say);
  if (await makeData(server, folder))
    say(`Made a new data folder in ${path.relative(process.cwd(), folder)}.`);
  // A port that was free a moment ago may be taken by the time the server asks for it: hence three tries.
  for (let attempt = 1; ; attempt += 1) {
    const port = wantedPort ?? (await freePort());
    try {
      const database = await start(server, folder, port);
      say(`${server.engine === "mysql" ? "MySQL" : "MariaDB"} ${server.version} runs on 127.0.0.1:${port}.`);
      return database;
    } catch (error) {
      const taken = error instanceof Error && /address already in use|port .* in use/i.test(error.message);
      if (!taken || wantedPort || attempt === 3) throw error;
    }
  }
}

/**
 * @param {Server} server
 * @param {string} folder
 * @param {number} port
 * @returns {Promise<Database>}
 */
async function start(server, folder, port) {
  const files = layoutOf(folder);
  const log = fs.openSync(files.log, "w");
  const child = spawn(server.program, [...server.leading, ...serverArguments(server, folder, port)], {
    cwd: files.data,
    // A process group of its own: Ctrl-C is for us, and we end the server when those who use it have ended.
    detached: process.platform !== "win32",
    windowsHide: true,
    stdio: ["ignore", log, log],
  });
  fs.closeSync(log);
  /** @type {string | undefined} */
  let ended;
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    const end = (/** @type {string} */ how) => {
      ended = how;
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
  });
  const killNow = () => child.kill("SIGTERM");
  process.once("exit", killNow);
  const forget = onShutdown(() => stop());
  let stopping = false;
  const stop = async () => {
    if (!stopping && ended === undefined) {
      stopping = true;
      child.kill("SIGTERM");
    }
    const escalation = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
    await exited;
    clearTimeout(escalation);
  };
  exited.then(() => {
    process.off("exit", killNow);
    forget();
    fs.rmSync(files.record, { force: true });
    fs.rmSync(files.accounts, { force: true });
  });
  if (child.pid !== undefined) recordRunning(folder, child.pid);
  try {
    await waitForGreeting({ port, timeoutMs: startTimeoutMs, gaveUp: () => ended !== undefined });
  } catch (error) {
    const why = ended ?? (error instanceof Error ? error.message : String(error));
    await stop();
    const said = fs.existsSync(files.log) ? lastLines(fs.readFileSync(files.log, "utf8"), 20) : "";
    throw new Error(
      `The database server did not start (${why}). ${hint(said)}Its last words (${files.log}):\n${said}`,
    );
  }
  fs.rmSync(files.accounts, { force: true });
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
