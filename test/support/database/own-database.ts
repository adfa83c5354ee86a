import { randomBytes } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll } from "@jest/globals";
import { createConnection, createPool, type Pool, type RowDataPacket } from "mysql2/promise";
import { applySql, tableFile } from "../../../scripts/dba.js";
import { startDatabase } from "../../../scripts/servers/database.js";
import { findServer } from "../../../scripts/servers/database-server.js";
import { poolOptions } from "./database.js";

/** A database server of a test's own, whose settings it may change for everybody. */
export interface OwnDatabase {
  readonly port: number;
  /** URL of a schema with the table, for an account that has the rights of sql/grant.sql. Never print it. */
  readonly url: string;
  /** The same for an account that may do everything. */
  readonly privilegedUrl: string;
  readonly engine: "mariadb" | "mysql";
  /** An administrator's pool in that schema. */
  readonly pool: Pool;
  rows<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  end(): Promise<void>;
}

const say = () => {};

/**
 * To be called once at the top of a test file: as many servers as it needs, of the engine that the tests run
 * on.
 */
export function useOwnDatabases(count: number): { readonly databases: readonly OwnDatabase[] } {
  const databases: OwnDatabase[] = [];
  const password = randomBytes(12).toString("hex");
  beforeAll(async () => {
    const engine = process.env["TEST_DATABASE_ENGINE"] === "mysql" ? "mysql" : "mariadb";
    const server = await findServer({ engine, say });
    for (let n = 0; n < count; n++) {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), "own-database-"));
      const { url, port, stop } = await startDatabase({ engine, folder, say, server });
      databases.push(
        await prepare(url, port, engine, password, async () => {
          await stop();
          fs.rmSync(folder, { recursive: true, force: true });
        }),
      );
    }
  }, STARTING_MS);
  afterAll(async () => {
    for (const database of databases) await database.end();
  }, STARTING_MS);
  return { databases };
}

/** A server makes its data folder first; on a busy machine that takes long. */
const STARTING_MS = 180_000;

async function prepare(
  serverUrl: string,
  port: number,
  engine: "mariadb" | "mysql",
  password: string,
  end: () => Promise<void>,
): Promise<OwnDatabase> {
  const root = await createConnection(poolOptions(serverUrl));
  await root.query("create database app");
  await root.query("use app");
  await applySql(root, tableFile);
  for (const host of ["127.0.0.1", "localhost"]) {
    await root.query(`create user 'app'@'${host}' identified by '${password}'`);
    await root.query(`create user 'chief'@'${host}' identified by '${password}'`);
    await root.query(`grant all on *.* to 'chief'@'${host}'`);
    await root.query(`grant select, insert, update, delete on app.session to 'app'@'${host}'`);
  }
  await root.end();
  const url = new URL(serverUrl);
  url.pathname = "/app";
  const pool = createPool({ ...poolOptions(url.href), connectionLimit: 2 });
  const urlFor = (account: string) => {
    url.username = account;
    url.password = password;
    return url.href;
  };
  return {
    port,
    url: urlFor("app"),
    privilegedUrl: urlFor("chief"),
    engine,
    pool,
    async rows<Row>(sql: string, values: unknown[] = []) {
      const [rows] = await pool.query<RowDataPacket[]>(sql, values);
      return rows as Row[];
    },
    async end() {
      await pool.end();
      await end();
    },
  };
}
