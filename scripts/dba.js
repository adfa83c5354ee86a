// @ts-check
// Plays the database administrator: the library itself never creates anything.
import fs from "node:fs";
import path from "node:path";
import { projectFolder } from "./paths.js";

/**
 * As mysql2/promise has it.
 * @typedef {{ query(sql: string, values?: unknown[]): Promise<[unknown, unknown]> }} Connection
 */

export const tableFile = path.join(projectFolder, "sql", "session.sql");
export const grantFile = path.join(projectFolder, "sql", "grant.sql");
export const adoptFile = path.join(projectFolder, "sql", "adopt.sql");
export const adoptTokensFile = path.join(projectFolder, "sql", "adopt-tokens.sql");
export const pruneFile = path.join(projectFolder, "sql", "prune.sql");

/**
 * Applies a file of sql/, one statement after the other.
 * @param {Connection} connection
 * @param {string} file
 * @param {Record<string, string>} [replacements] names to put in place of the file's own
 */
export async function applySql(connection, file, replacements = {}) {
  for (const statement of statementsOf(fs.readFileSync(file, "utf8"))) {
    await connection.query(replaceNames(statement, replacements));
  }
}

/**
 * The statements of a file in which each one ends at the end of a line, as those in sql/ do.
 * @param {string} text
 * @returns {string[]}
 */
export function statementsOf(text) {
  const uncommented = text.replace(/^\s*--.*$/gm, "");
  return uncommented
    .split(/;[ \t]*\r?$/m)
    .map((statement) => statement.trim())
    .filter(Boolean);
}

/**
 * @param {string} text
 * @param {Record<string, string>} replacements
 */
function replaceNames(text, replacements) {
  let replaced = text;
  for (const [name, other] of Object.entries(replacements)) {
    if (!replaced.includes(name))
      throw new Error(`The file no longer says ${name}, so nothing can take its place.`);
    replaced = replaced.replaceAll(name, other);
  }
  return replaced;
}

/**
 * Makes the database and, unless it is there, its table `session`; the connection uses that database
 * afterwards.
 * @param {Connection} connection
 * @param {string} database
 * @returns {Promise<boolean>} whether the table was made now
 */
export async function makeTable(connection, database) {
  await connection.query(`CREATE DATABASE IF NOT EXISTS \`${checkName(database)}\` CHARACTER SET utf8mb4`);
  await connection.query(`USE \`${database}\``);
  const [rows] = await connection.query("SHOW TABLES LIKE 'session'");
  if (Array.isArray(rows) && rows.length > 0) return false;
  await applySql(connection, tableFile);
  return true;
}

/**
 * Makes an account for this machine with no rights but those of sql/grant.sql; it keeps them when it was
 * there.
 * @param {Connection} connection
 * @param {{ database: string, account: string, password: string }} options
 */
export async function makeAccount(connection, { database, account, password }) {
  checkName(account);
  // A connection over 127.0.0.1 may count as either, as the server looks names up or not.
  for (const host of ["localhost", "127.0.0.1"]) {
    const quoted = `'${account}'@'${host}'`;
    await connection.query(`CREATE USER IF NOT EXISTS ${quoted} IDENTIFIED BY ?`, [password]);
    await connection.query(`ALTER USER ${quoted} IDENTIFIED BY ?`, [password]);
    await applySql(connection, grantFile, { "`app`": `\`${checkName(database)}\``, "'app'@'%'": quoted });
  }
}

/** @param {string} name goes into statements as it is, so it may hold nothing that ends a quotation */
function checkName(name) {
  if (!/^\w{1,32}$/.test(name))
    throw new Error(`${JSON.stringify(name)} is no plain name for a database or account.`);
  return name;
}
