// @ts-check
// The folder of a private database server: its data, made once, and the password of its root account.
import fs from "node:fs";
import path from "node:path";
import { keptPassword } from "../passwords.js";
import { capture, run } from "../processes.js";

/** @typedef {import("./database-server.js").Server} Server */

/** @param {string} folder */
export function layoutOf(folder) {
  return {
    data: path.join(folder, "data"),
    password: path.join(folder, "root-password"),
    accounts: path.join(folder, "root-accounts.sql"),
    record: path.join(folder, "running.json"),
    log: path.join(folder, "server.log"),
    madeBy: path.join(folder, "made-by.json"),
    temporary: path.join(folder, "temporary"),
  };
}

/**
 * A folder of its own for temporary tables: a MariaDB server that starts deletes those that it finds, as left
 * over, others' that run too.
 * @param {string} folder
 */
export function temporaryArguments(folder) {
  const { temporary } = layoutOf(folder);
  fs.mkdirSync(temporary, { recursive: true });
  return [`--tmpdir=${temporary}`];
}

/** The system's own account must be named when root starts a server; both servers refuse otherwise. */
export function userArguments() {
  return process.getuid?.() === 0 ? ["--user=root"] : [];
}

/**
 * Makes the data folder unless it is there; one that was left half-made is made anew.
 * @param {Server} server
 * @param {string} folder
 * @returns {Promise<boolean>} whether it was made now
 */
export async function makeData(server, folder) {
  const { data, madeBy } = layoutOf(folder);
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const left of fs.readdirSync(folder).filter((name) => name.startsWith("data-unfinished-"))) {
    fs.rmSync(path.join(folder, left), { recursive: true, force: true });
  }
  if (fs.existsSync(data)) {
    checkMaker(server, folder);
    return false;
  }
  const unfinished = fs.mkdtempSync(path.join(folder, "data-unfinished-"));
  await (server.engine === "mysql"
    ? initialiseMysql(server, unfinished)
    : initialiseMariadb(server, unfinished, temporaryArguments(folder)));
  fs.writeFileSync(madeBy, `${JSON.stringify({ engine: server.engine, version: server.version })}\n`);
  fs.renameSync(unfinished, data);
  return true;
}

/**
 * @param {Server} server
 * @param {string} folder
 */
function checkMaker(server, folder) {
  const { engine, version } = JSON.parse(fs.readFileSync(layoutOf(folder).madeBy, "utf8"));
  if (engine === server.engine) return;
  throw new Error(
    `The data in ${folder} was made by ${engine} ${version}, which ${server.engine} ${server.version} cannot read. ` +
      "Delete that folder to begin anew.",
  );
}

/**
 * @param {Server} server
 * @param {string} data
 */
async function initialiseMysql(server, data) {
  const where = [...server.placed, `--datadir=${data}`, "--innodb-redo-log-capacity=64M"];
  const args = ["--no-defaults", "--initialize-insecure", ...where, ...userArguments()];
  await run(server.program, [...server.leading, ...args]);
}

/**
 * Does what mariadb-install-db does, without needing that script, its shell and the programs it calls.
 * @param {Server} server
 * @param {string} data
 * @param {string[]} more arguments
 */
async function initialiseMariadb(server, data, more) {
  const share = await shareFolder(server);
  const script = ["system_tables", "performance_tables", "system_tables_data"].map((name) =>
    readSql(share, name),
  );
  const scripts = ["fill_help_tables.sql", "maria_add_gis_sp_bootstrap.sql"].map((name) =>
    path.join(share, name),
  );
  script.push(...scripts.filter((file) => fs.existsSync(file)).map((file) => fs.readFileSync(file, "utf8")));
  script.push(readSql(share, "sys_schema"));
  const input = [
    "create database mysql;",
    "use mysql;",
    // root with a password instead of the system's account, and nobody else.
    "set @auth_root_socket = null;",
    "set @skip_auth_anonymous = 1;",
    ...script,
    "delete from mysql.global_priv where User = 'root' and Host <> 'localhost';",
    "",
  ].join("\n");
  const where = [...server.placed, `--datadir=${data}`, "--innodb-log-file-size=64M", ...more];
  const args = ["--no-defaults", "--bootstrap", ...where, ...userArguments()];
  await run(server.program, [...server.leading, ...args], { input });
}

/**
 * @param {string} share
 * @param {string} name without the prefix, which changed from mysql_ to mariadb_ in later versions
 */
function readSql(share, name) {
  const file = ["mariadb", "mysql"]
    .map((prefix) => path.join(share, `${prefix}_${name}.sql`))
    .find(fs.existsSync);
  return file ? fs.readFileSync(file, "utf8") : "";
}

/**
 * The folder with the scripts that make MariaDB's own tables. It has charsets/ in it, whose place the server
 * knows.
 * @param {Server} server
 */
async function shareFolder(server) {
  const help = ["--no-defaults", ...server.placed, "--verbose", "--help"];
  const { stdout } = await capture(server.program, [...server.leading, ...help]);
  const charsets = /^character-sets-dir\s+(\S.*\S)\s*$/m.exec(stdout)?.[1];
  const folder = charsets && path.resolve(path.dirname(server.program), charsets, "..");
  if (folder && readSql(folder, "system_tables")) return folder;
  throw new Error(
    `The scripts that make MariaDB's own tables were not found (looked in ${folder ?? "no folder"}).`,
  );
}

/**
 * The password of root, which this server's folder keeps.
 * @param {string} folder
 */
export function rootPassword(folder) {
  return keptPassword(layoutOf(folder).password);
}

/**
 * The file that the server runs before it takes the first connection: it gives root its password. One
 * statement a line is what --init-file wants.
 * @param {string} folder
 */
export function writeRootAccounts(folder) {
  const file = layoutOf(folder).accounts;
  const password = rootPassword(folder);
  const statements = [
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';`,
    `CREATE USER IF NOT EXISTS 'root'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    "GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;",
  ];
  fs.writeFileSync(file, `${statements.join("\n")}\n`, { mode: 0o600 });
  return file;
}
