// @ts-check
// The database of a run: a private server, made anew, and in it a database for ours and one for the old
// package.
import fs from "node:fs";
import path from "node:path";
import { createConnection } from "mysql2/promise";
import { makeTable } from "../scripts/dba.js";
import { cacheFolder } from "../scripts/paths.js";
import { startDatabase } from "../scripts/servers/database.js";
import { layoutOf } from "../scripts/servers/database-folder.js";
import { endLeftOver } from "../scripts/servers/database-left-over.js";
import { findServer } from "../scripts/servers/database-server.js";
import { withDatabase } from "../scripts/servers/database-url.js";
import { onShutdown } from "../scripts/shutdown.js";
import { cpuOfDatabase } from "./cpu.js";

/** @typedef {import("../scripts/servers/database-server.js").Engine} Engine */
/** @typedef {import("./context.js").ContenderName} ContenderName */
/**
 * @typedef {object} BenchDatabase
 * @property {string} url of the database that has the table of sql/session.sql, as administrator; carries a
 * password: never print it
 * @property {(name: ContenderName) => string} urlFor the same for a contender; the old package has a database
 * of its own, because the name of its table cannot be chosen
 * @property {Engine} engine
 * @property {string} version
 * @property {(name?: ContenderName) => Promise<import("mysql2/promise").Connection>} admin a connection of
 * the caller's own
 * @property {() => number | undefined} cpu what the server has had, in microseconds; undefined where the
 * system does not tell
 * @property {() => Promise<void>} reset puts an empty database with an empty table in place of what is there
 */

const name = "bench";

/**
 * Gives `run` a database on a server that ends with it.
 * @param {{ engine: Engine, say: import("../scripts/paths.js").Say }} options
 * @param {(database: BenchDatabase) => Promise<void>} run
 */
export async function withBenchDatabase({ engine, say }, run) {
  const folder = path.join(cacheFolder, "bench", engine);
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  const server = await findServer({ engine, say });
  // What a run that was killed has left; throws while that run is still there.
  await endLeftOver(folder, say);
  remove();
  const forget = onShutdown(remove);
  try {
    const { url, version, stop } = await startDatabase({ engine, folder, say, server });
    try {
      const database = on({ url, engine, version, data: layoutOf(folder).data });
      await database.reset();
      await run(database);
    } finally {
      await stop();
    }
  } finally {
    remove();
    forget();
  }
}

/**
 * @param {{ url: string, engine: Engine, version: string, data: string }} server
 * @returns {BenchDatabase}
 */
function on({ url, engine, version, data }) {
  const nameFor = (/** @type {ContenderName} */ contender) =>
    contender.startsWith("old") ? `${name}_old` : name;
  const urlFor = (/** @type {ContenderName} */ contender) => withDatabase(url, nameFor(contender));
  return {
    url: urlFor("ours"),
    urlFor,
    engine,
    version,
    cpu: () => cpuOfDatabase(data),
    admin: (contender = "ours") => createConnection({ uri: urlFor(contender), charset: "utf8mb4" }),
    async reset() {
      const connection = await createConnection({ uri: withDatabase(url, ""), charset: "utf8mb4" });
      try {
        for (const database of [name, `${name}_old`]) {
          await connection.query(`DROP DATABASE IF EXISTS ${database}`);
          await connection.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
        }
        await makeTable(connection, name);
      } finally {
        await connection.end();
      }
    },
  };
}
