// @ts-check
// Finds a Redis server program (or Valkey, which speaks the same): on the machine, else among Debian's
// packages.
import path from "node:path";
import { capture, findPrograms } from "../processes.js";
import { canUnpackPackages, unpackPackages } from "./debian.js";
import { throughLoader } from "./unpacked.js";

/** @typedef {import("../paths.js").Say} Say */
/**
 * @typedef {object} RedisServer
 * @property {string} title "Redis" or "Valkey"
 * @property {string} version such as "7.0.15"
 * @property {string} program what to spawn
 * @property {string[]} leading arguments that come before all others
 */
/** @typedef {{ missing: string, command: string }} NoRedis why there is none, and what would add one */

/** The oldest that speaks the protocol which the npm package `redis` begins with. */
const oldestMajor = 6;

/**
 * @param {{ say: Say }} options
 * @returns {Promise<RedisServer | NoRedis>}
 */
export async function findRedis({ say }) {
  const here = await findOnMachine(say);
  if (here) {
    say(`Using the ${here.title} ${here.version} of this machine (${here.program}).`);
    return here;
  }
  if (!canUnpackPackages()) return missing("no redis-server on this machine");
  say("No Redis server program on this machine.");
  try {
    const unpacked = await unpackRedis(say);
    if (!isSupported(unpacked)) return missing(`this system's packages have only Redis ${unpacked.version}`);
    say(`Using Redis ${unpacked.version} from this system's packages, unpacked in the project.`);
    return unpacked;
  } catch (error) {
    const [first = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return missing(`no redis-server on this machine; ${first.replace(/[.:]$/, "")}`);
  }
}

/**
 * @param {Say} say
 * @returns {Promise<RedisServer | undefined>}
 */
async function findOnMachine(say) {
  // Where installers put it without adding it to PATH.
  const folders = ["/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/opt/redis/bin"];
  const candidates = ["redis-server", "valkey-server"].flatMap((name) => findPrograms(name, folders));
  for (const program of new Set(candidates)) {
    const server = await identify({ program, leading: [] });
    if (!server) continue;
    if (isSupported(server)) return server;
    say(`Passing over ${program}: ${server.title} ${server.version} is older than ${oldestMajor}.0.`);
  }
  return undefined;
}

/** @param {Say} say */
async function unpackRedis(say) {
  const folder = await unpackPackages({ name: "redis", packages: ["redis-server"], say });
  const server = await identify(throughLoader(folder, path.join("usr", "bin", "redis-server")));
  if (!server)
    throw new Error(`The server unpacked in ${folder} does not run; delete that folder and try again.`);
  return server;
}

/**
 * What a program says of itself: Valkey may well be called redis-server.
 * @param {{ program: string, leading: string[] }} found
 * @returns {Promise<RedisServer | undefined>}
 */
async function identify(found) {
  const { code, stdout } = await capture(found.program, [...found.leading, "--version"]);
  const [, title, version] = /^(Redis|Valkey) server v=(\d+\.\d+\.\d+)/.exec(stdout) ?? [];
  return code === 0 && title && version ? { ...found, title, version } : undefined;
}

/** @param {RedisServer} server */
function isSupported({ version }) {
  return Number.parseInt(version, 10) >= oldestMajor;
}

/**
 * @param {string} why
 * @returns {NoRedis}
 */
function missing(why) {
  return { missing: why, command: installCommand() };
}

function installCommand() {
  if (process.platform === "darwin") return "brew install redis";
  if (process.platform === "win32")
    return "docker run -d -p 127.0.0.1:6379:6379 redis, and set REDIS_URL=redis://127.0.0.1:6379/";
  return findPrograms("apt-get").length > 0 ? "apt install redis-server" : "dnf install redis";
}
