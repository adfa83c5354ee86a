import { randomBytes } from "node:crypto";
import {
  createConnection,
  createPool,
  type Pool,
  type PoolOptions,
  type RowDataPacket,
} from "mysql2/promise";
import { applySql, grantFile, tableFile } from "../../../scripts/dba.js";

/** A schema of the test's own on the server that the runner gives. */
export interface TestDatabase {
  /** URL of the schema for an account that has the rights of sql/grant.sql and no others. Never print it. */
  readonly url: string;
  readonly schema: string;
  /** The account of `url`. */
  readonly account: string;
  /** An administrator's pool in the schema, for the test's own look at the rows. */
  readonly pool: Pool;
  /** Runs a statement of the test's own and gives its rows. */
  rows<Row = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
  /**
   * The connections of the account under test, and what each is doing. Not by information_schema, which
   * converts the statements of all accounts and fails where one of them, of another test's, cannot be told in
   * its narrower charset.
   */
  threads(): Promise<Thread[]>;
  drop(): Promise<void>;
}

export interface Thread {
  id: number;
  idle: boolean;
  state: string;
  /** The statement that it runs; otherwise "". */
  statement: string;
}

/** URL of the test server with administrator's rights; scripts/jest/setup-database.js sets it. */
export function serverUrl(): string {
  if ("TEST_WITHOUT_DATABASE" in globalThis)
    throw new Error("Tests of this folder run with one engine alone, so none of them may use a database.");
  const url = process.env["TEST_DATABASE_URL"];
  if (!url) throw new Error("TEST_DATABASE_URL is not set: run the tests with `npm test` or `npx jest`");
  return url;
}

/** mysql2 would read `?charset=` and the like from a URL, so tests take it apart themselves. */
export function poolOptions(url: string): PoolOptions {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    ...(pathname.length > 1 && { database: pathname.slice(1) }),
  };
}

const SCHEMA = /^token_session_test_[0-9a-f]{12}$/;

/** Makes a schema with the table of sql/session.sql (`table: false`: an empty one). */
export async function createTestDatabase({ table = true } = {}): Promise<TestDatabase> {
  const name = randomBytes(6).toString("hex");
  const schema = `token_session_test_${name}`;
  const account = `test_${name}`;
  const password = randomBytes(12).toString("hex");
  const { hostname } = new URL(serverUrl());
  // On this machine a server may know a client by name or by address.
  const hosts = ["127.0.0.1", "localhost"].includes(hostname) ? ["127.0.0.1", "localhost"] : ["%"];
  const users = hosts.map((host) => `'${account}'@'${host}'`);

  const admin = await createConnection(poolOptions(serverUrl()));
  await admin.query(`create database \`${schema}\``);
  await admin.query(`use \`${schema}\``);
  for (const user of users) await admin.query(`create user ${user} identified by '${password}'`);
  if (table) {
    await applySql(admin, tableFile);
    for (const user of users)
      await applySql(admin, grantFile, { "`app`": `\`${schema}\``, "'app'@'%'": user });
  } else {
    for (const user of users)
      await admin.query(`grant select, insert, update, delete on \`${schema}\`.* to ${user}`);
  }
  await admin.end();

  const url = new URL(serverUrl());
  url.pathname = `/${schema}`;
  const pool = createPool({ ...poolOptions(url.href), connectionLimit: 4 });
  url.username = account;
  url.password = password;
  return {
    url: url.href,
    schema,
    account,
    pool,
    async rows<Row>(sql: string, values: unknown[] = []) {
      const [rows] = await pool.query<RowDataPacket[]>(sql, values);
      return rows as Row[];
    },
    async threads() {
      const [rows] = await pool.query<RowDataPacket[]>("show full processlist");
      return rows
        .filter(({ User }) => User === account)
        .map(({ Id, Command, State, Info }) => ({
          id: Number(Id),
          idle: Command === "Sleep",
          state: String(State ?? ""),
          statement: String(Info ?? ""),
        }));
    },
    async drop() {
      if (!SCHEMA.test(schema)) throw new Error(`refusing to drop ${schema}`);
      await pool.query(`drop database \`${schema}\``);
      await pool.query(`drop user ${users.join(", ")}`);
      await pool.end();
    },
  };
}
