import { afterAll, afterEach, beforeAll } from "@jest/globals";
import type { PoolConnection } from "mysql2/promise";
import { createTestDatabase, type TestDatabase } from "../database/database.js";
import { type DatabaseProxy, startProxy } from "../database/proxy.js";
import { type Rig, startRig } from "./rig.js";
import type { TestServerOptions } from "./server.js";

/** A server of its own, with its own registry and pool; its statements go through `proxy`. */
export interface Node extends Rig {
  readonly proxy: DatabaseProxy;
}

/**
 * One database for a test file, and as many servers on it as a test asks for; those are closed after each
 * test.
 */
export interface Nodes {
  readonly database: TestDatabase;
  node(given?: TestServerOptions): Promise<Node>;
  /** The row as it stands, its values parsed; `undefined` where there is none. */
  row(id: string): Promise<RowFacts | undefined>;
  /** A connection of the test's own, cut after the test, so that a failed one leaves no lock behind. */
  administrator(): Promise<PoolConnection>;
  /** Locks a row by a transaction of somebody else's; gives the connection that has it open. */
  lock(id: string): Promise<RowLock>;
}

export interface RowLock {
  readonly connection: PoolConnection;
  /** Ends the transaction; what it changed is kept. */
  release(): Promise<void>;
}

export interface RowFacts {
  readonly data: Record<string, unknown>;
  readonly revision: number;
  readonly writers: Buffer;
  readonly expires: number;
}

/** To be called once at the top of a test file. */
export function useNodes(): Nodes {
  let database: TestDatabase;
  const nodes: Node[] = [];
  const connections: PoolConnection[] = [];
  const administrator = async () => {
    const connection = await database.pool.getConnection();
    connections.push(connection);
    return connection;
  };
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.destroy();
    const started = nodes.splice(0);
    await Promise.all(started.map((node) => node.close()));
    await Promise.all(started.map((node) => node.proxy.close()));
  });
  afterAll(() => database.drop());
  return {
    get database() {
      return database;
    },
    async node(given = {}) {
      const proxy = await startProxy(database.url);
      const node = { ...(await startRig({ databaseUrl: proxy.through(database.url), ...given })), proxy };
      nodes.push(node);
      return node;
    },
    async row(id) {
      const [row] = await database.rows<Omit<RowFacts, "data"> & { data: string }>(
        "select data, revision, writers, expires from session where sessionId = ?",
        [id],
      );
      return row && { ...row, data: JSON.parse(row.data) };
    },
    administrator,
    async lock(id) {
      const connection = await administrator();
      await connection.query("begin");
      await connection.query("select * from session where sessionId = ? for update", [id]);
      return {
        connection,
        async release() {
          await connection.query("commit");
          connections.splice(connections.indexOf(connection), 1);
          connection.release();
        },
      };
    },
  };
}

/**
 * What becomes of a promise: `"resolved"`, or the code (or else the message) of what it was rejected with.
 */
export function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error: { code?: string; message?: string }) => error.code ?? String(error.message),
  );
}

/** Looks until `look` finds something: for what no event tells. */
export async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found) return found;
    // A look that asks nobody must let others have their turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A promise and what resolves it, for handlers that wait until the test lets them go on. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
