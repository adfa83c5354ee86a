// @ts-check
// Finds a database server program: on the machine, else among Debian's packages.
import fs from "node:fs";
import path from "node:path";
import { capture, findPrograms } from "../processes.js";
import { canUnpackPackages, searchPackages, unpackPackages } from "./debian.js";
import { throughLoader } from "./unpacked.js";

/** @typedef {import("../paths.js").Say} Say */
/** @typedef {"mariadb" | "mysql"} Engine */
/**
 * @typedef {object} Server
 * @property {Engine} engine
 * @property {string} version such as "10.11.18" or "9.7.0"
 * @property {string} program what to spawn
 * @property {string[]} leading arguments that come before all others
 * @property {string[]} placed arguments that tell an unpacked server where its own files are
 */

/** The oldest versions that the library supports. @type {Record<Engine, [number, number]>} */
const oldest = { mariadb: [10, 6], mysql: [8, 0] };
const titles = { any: "MySQL or MariaDB", mariadb: "MariaDB", mysql: "MySQL" };

/**
 * @param {{ engine: "any" | Engine, say: Say }} options
 * @returns {Promise<Server>}
 */
export async function findServer({ engine, say }) {
  const here = await findOnMachine({ engine, say });
  if (here) {
    say(`Using the ${titles[here.engine]} ${here.version} of this machine (${here.program}).`);
    return here;
  }
  say(`No ${titles[engine]} server program on this machine.`);
  if (canUnpackPackages()) {
    const unpacked = await (engine === "mysql" ? unpackMysql(say) : unpackMariadb(say));
    say(
      `Using ${titles[unpacked.engine]} ${unpacked.version} from this system's packages, unpacked in the project.`,
    );
    return unpacked;
  }
  throw new Error(waysToGetOne(engine));
}

/**
 * @param {{ engine: "any" | Engine, say: Say }} options
 * @returns {Promise<Server | undefined>}
 */
async function findOnMachine({ engine, say }) {
  const folders = usualFolders();
  const names = engine === "mysql" ? ["mysqld"] : ["mariadbd", "mysqld"];
  const candidates = names.flatMap((name) => findPrograms(name, folders));
  for (const program of new Set(candidates)) {
    const server = await identify({ program, leading: [], placed: [] });
    if (!server || (engine !== "any" && server.engine !== engine)) continue;
    if (isSupported(server)) return server;
    const needed = oldest[server.engine].join(".");
    say(`Passing over ${program}: ${titles[server.engine]} ${server.version} is older than ${needed}.`);
  }
  return undefined;
}

/** Places where installers put servers without adding them to PATH. */
function usualFolders() {
  if (process.platform === "win32") {
    const roots = [process.env["ProgramFiles"] ?? "C:\\Program Files"];
    return roots.flatMap((root) => [
      ...inside(root, /^MariaDB /),
      ...inside(path.join(root, "MySQL"), /^MySQL Server /),
    ]);
  }
  const brewed = ["/opt/homebrew/opt", "/usr/local/opt"];
  return [
    "/usr/sbin",
    "/usr/libexec",
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/local/mysql/bin",
    "/usr/local/mariadb/bin",
    "/opt/homebrew/bin",
    ...brewed.flatMap((root) => inside(root, /^(?:mariadb|mysql)(?:@|$)/)),
  ];
}

/**
 * @param {string} root
 * @param {RegExp} names
 */
function inside(root, names) {
  if (!fs.existsSync(root)) return [];
  const found = fs.readdirSync(root).filter((name) => names.test(name));
  return found
    .sort()
    .reverse()
    .map((name) => path.join(root, name, "bin"));
}

/**
 * What a program says of itself: a MariaDB may well be called mysqld.
 * @param {{ program: string, leading: string[], placed: string[] }} found
 * @returns {Promise<Server | undefined>}
 */
async function identify(found) {
  const { code, stdout } = await capture(found.program, [...found.leading, "--no-defaults", "--version"]);
  const version = /Ver (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (code !== 0 || !version) return undefined;
  return { ...found, engine: /mariadb/i.test(stdout.replace(/^\S+/, "")) ? "mariadb" : "mysql", version };
}

/** @param {Server} server */
function isSupported({ engine, version }) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = oldest[engine];
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** @param {Say} say */
async function unpackMariadb(say) {
  const folder = await unpackPackages({ name: "mariadb", packages: ["mariadb-server-core"], say });
  return identifyUnpacked(folder, "mariadbd");
}

/** Ubuntu has MySQL in its own suites; Debian has it in unstable only. @param {Say} say */
async function unpackMysql(say) {
  const names = await searchPackages("^mysql-server-core(-[0-9.]+)?$");
  const newest = names.sort((one, other) => other.localeCompare(one, "en", { numeric: true }))[0];
  const wanted = newest ? { packages: [newest] } : { packages: ["mysql-server-core"], suite: "unstable" };
  return identifyUnpacked(await unpackPackages({ name: "mysql", ...wanted, say }), "mysqld");
}

/**
 * @param {string} folder
 * @param {string} name
 * @returns {Promise<Server>}
 */
async function identifyUnpacked(folder, name) {
  const share = path.join(folder, "usr", "share", "mysql");
  const placed = [`--basedir=${path.join(folder, "usr")}`, `--lc-messages-dir=${share}`];
  placed.push(`--character-sets-dir=${path.join(share, "charsets")}`);
  placed.push(`--plugin-dir=${path.join(folder, "usr", "lib", "mysql", "plugin")}`);
  const server = await identify({ ...throughLoader(folder, path.join("usr", "sbin", name)), placed });
  if (!server)
    throw new Error(`The server unpacked in ${folder} does not run; delete that folder and try again.`);
  return server;
}

/** @param {"any" | Engine} engine */
function waysToGetOne(engine) {
  const mysql = engine === "mysql";
  return [
    `No ${titles[engine]} server was found, and none can be unpacked here. Ways to get one:`,
    `  Debian, Ubuntu  apt install ${mysql ? "mysql-server" : "mariadb-server"}`,
    `  Fedora, RHEL    dnf install ${mysql ? "mysql-server" : "mariadb-server"}`,
    `  macOS           brew install ${mysql ? "mysql" : "mariadb"}`,
    `  Windows         winget install ${mysql ? "Oracle.MySQL" : "MariaDB.Server"}, or choco install ${mysql ? "mysql" : "mariadb"}`,
    `  Docker          docker run -d -p 3306:3306 -e ${mysql ? "MYSQL" : "MARIADB"}_ROOT_PASSWORD=… ${mysql ? "mysql" : "mariadb"}`,
    "                  and set DATABASE_URL=mysql://root:…@127.0.0.1:3306/",
    "Or set DATABASE_URL=mysql://user:password@host:port/ to a server that you have.",
  ].join("\n");
}
