// @ts-check
// A private Redis server: in memory only, this machine only, a port and a password of its own.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { layoutOf } from "./database-folder.js";
import { endLeftOver } from "./database-left-over.js";
import { onFreePort } from "./ports.js";
import { startServer } from "./server-process.js";

/** @typedef {import("../paths.js").Say} Say */
/** @typedef {import("./redis-server.js").RedisServer} RedisServer */
/**
 * @typedef {object} Redis
 * @property {string} url redis://:<password>@127.0.0.1:<port>/ - carries the password: never print it
 * @property {number} port
 * @property {Promise<void>} exited resolves when the server has ended, for whatever reason
 * @property {() => Promise<void>} stop ends it gracefully; calling it again does no harm
 * @property {(signal: NodeJS.Signals) => void} signal sends it a signal
 */

/**
 * REDIS_URL, checked; undefined when it is not set. No message shows its password.
 * @param {{ say: Say, environment?: NodeJS.ProcessEnv }} options
 * @returns {string | undefined}
 */
export function redisUrlFromEnvironment({ say, environment = process.env }) {
  const given = environment["REDIS_URL"];
  if (!given) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (!url || !["redis:", "rediss:"].includes(url.protocol) || !url.hostname) {
    throw new Error("REDIS_URL has to look like redis://user:password@host:port/ (it is not shown here).");
  }
  say(`Using the Redis server of REDIS_URL (${url.host}).`);
  return url.href;
}

/**
 * Throws unless the server of REDIS_URL answers: its clients would wait for it for ever.
 * @param {string} url
 */
export async function checkAnswers(url) {
  // Not above: this file has to load before the dependencies are installed.
  const { createClient } = await import("redis");
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    throw new Error(`The server of REDIS_URL: ${error instanceof Error ? error.message : error}`);
  } finally {
    if (client.isOpen) client.destroy();
  }
}

/**
 * Starts a server in `folder`, which is made when it is not there.
 * @param {object} options
 * @param {RedisServer} options.server what findRedis() gave
 * @param {string} options.folder
 * @param {Say} options.say
 * @param {number} [options.port] a certain port instead of a free one
 * @param {string} [options.password] a certain one; with the port, for a restart that clients shall survive
 * @returns {Promise<Redis>}
 */
export async function startRedis({ server, folder: given, say, port: wantedPort, password = newPassword() }) {
  const folder = path.resolve(given);
  await endLeftOver(folder, say);
  fs.mkdirSync(layoutOf(folder).data, { recursive: true, mode: 0o700 });
  const redis = await onFreePort((port) => start({ server, folder, port, password }), wantedPort);
  say(`${server.title} ${server.version} runs on 127.0.0.1:${redis.port}.`);
  return redis;
}

function newPassword() {
  return randomBytes(24).toString("hex");
}

/**
 * @param {{ server: RedisServer, folder: string, port: number, password: string }} options
 * @returns {Promise<Redis>}
 */
async function start({ server, folder, port, password }) {
  const settings = writeSettings(folder, port, password);
  const { exited, stop, signal } = await startServer({
    title: `The ${server.title} server`,
    program: server.program,
    args: [...server.leading, settings],
    folder,
    // It replaces its command line, the path of its settings too, by its name and address.
    signs: [`-server 127.0.0.1:${port}`],
    port,
    greeting: { send: `AUTH ${password}\r\nPING\r\n`, answer: /^\+OK\r\n\+PONG\r\n/ },
    temporary: [settings],
  });
  return { url: `redis://:${password}@127.0.0.1:${port}/`, port, exited, stop, signal };
}

/**
 * A file, as all users of a machine can read a command line. No path stands in it: the server runs in its
 * folder.
 * @param {string} folder
 * @param {number} port
 * @param {string} password
 */
function writeSettings(folder, port, password) {
  const file = path.join(layoutOf(folder).data, "redis.conf");
  const settings = [
    "bind 127.0.0.1",
    `port ${port}`,
    `requirepass ${password}`,
    'save ""',
    "appendonly no",
    "daemonize no",
    'logfile ""',
  ];
  fs.writeFileSync(file, `${settings.join("\n")}\n`, { mode: 0o600 });
  return file;
}
