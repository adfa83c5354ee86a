import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createPool, type Pool } from "mysql2/promise";
import { startDatabase } from "../../scripts/database.js";
import type { Engine } from "../../scripts/database-server.js";
import { applySql, tableFile } from "../../scripts/dba.js";
import { poolOptions } from "./database.js";

/** A database server of a test's own, whose settings it may change without another test noticing. */
export interface OwnDatabase {
  /** URL of a schema with our table, for an administrator. Carries a password: never print it. */
  readonly url: string;
  /** An administrator's pool in that schema. */
  readonly pool: Pool;
  /** Ends the server and deletes its folder. */
  end(): Promise<void>;
}

/** Starts one of the engine that the tests run on. */
export async function startOwnDatabase(): Promise<OwnDatabase> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "token-session-db-"));
  const engine = (process.env["TEST_DATABASE_ENGINE"] ?? "any") as Engine;
  const database = await startDatabase({ engine, folder, say: () => {} });
  const url = new URL(database.url);
  const admin = createPool({ ...poolOptions(url.href), connectionLimit: 1 });
  await admin.query("create database own");
  await admin.end();
  url.pathname = "/own";
  const pool = createPool({ ...poolOptions(url.href), connectionLimit: 2 });
  const connection = await pool.getConnection();
  await applySql(connection, tableFile);
  connection.release();
  return {
    url: url.href,
    pool,
    async end() {
      await pool.end();
      await database.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
