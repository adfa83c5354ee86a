// @ts-check
// Before the first test that may use a database: the server of DATABASE_URL, else a private one.
import { databaseUrlFromEnvironment, startDatabase } from "../servers/database.js";
import { findServer } from "../servers/database-server.js";
import { testFolder } from "./folders.js";
import { say } from "./say.js";

/** @typedef {import("../servers/database-server.js").Engine} Engine */

/**
 * Both projects that use a database have this; `npm test` has said which engine, and whoever starts Jest
 * alone may.
 */
export default async function setupDatabase() {
  const given = databaseUrlFromEnvironment({ say });
  const { url, engine } = given ? { url: given, engine: await engineOf(given) } : await startPrivate();
  process.env["TEST_DATABASE_URL"] = url;
  process.env["TEST_DATABASE_ENGINE"] = engine;
  if (given) process.env["TEST_DATABASE_EXTERNAL"] = "1";
}

async function startPrivate() {
  const wanted = /** @type {Engine | undefined} */ (process.env["TEST_DATABASE_ENGINE"]);
  // Where the engine is named, `npm test` has found the server, and has said which one.
  const server = await findServer({ engine: wanted ?? "any", say: wanted ? () => {} : say });
  return startDatabase({ engine: server.engine, folder: testFolder(server.engine), say, server });
}

/** @param {string} url @returns {Promise<Engine>} */
export async function engineOf(url) {
  const mysql = await import("mysql2/promise");
  const connection = await mysql.createConnection(url);
  const [rows] = await connection.query("SELECT VERSION() AS version");
  await connection.end();
  return /mariadb/i.test(JSON.stringify(rows)) ? "mariadb" : "mysql";
}
