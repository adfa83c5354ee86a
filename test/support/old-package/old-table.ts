import { afterAll, afterEach, beforeAll, beforeEach } from "@jest/globals";
import { io as io4 } from "socket.io-client";
import { adoptFile, applySql } from "../../../scripts/dba.js";
import type { GotToken } from "../../../src/index.js";
import { parseLegacyToken } from "../../../src/token/legacy.js";
import { createTestDatabase, type TestDatabase } from "../database/database.js";
import { ask, startServer, type TestServer } from "../servers/server.js";
import type { OldClient } from "./old-client.js";
import { handlers, oldApp, oldDdl, startOldServer, until } from "./old-package.js";

/** Presents whatever it is to a server. */
export function present(server: TestServer, token: unknown): Promise<GotToken> {
  return ask(server.client(), "getToken", { token });
}

/** The public id that a token of the old package gets. */
export function idOf(token: string): string {
  return parseLegacyToken(token)?.sessionId ?? "";
}

/**
 * The old package's own table, fresh for each test, and servers of both packages on it. To be called once in
 * a test file.
 */
export function useOldTable() {
  let database: TestDatabase;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    database = await createTestDatabase({ table: false });
  });
  beforeEach(async () => {
    await database.pool.query("drop table if exists session");
    await database.pool.query(oldDdl());
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(() => database.drop());

  const data = async (sessionId: string) => {
    const [row] = await database.rows<{ data: string }>("select data from session where sessionId = ?", [
      sessionId,
    ]);
    return row?.data;
  };

  const app = (
    url: string,
    storage = new Map<string, string>(),
    io: OldClient = io4 as unknown as OldClient,
  ) => {
    const opened = oldApp(io, url, storage);
    closing.push(() => opened.socket.close());
    return { ...opened, storage };
  };

  return {
    get database() {
      return database;
    },
    closing,
    data,
    app,
    alter: () => applySql(database.pool, adoptFile),
    async oldServer() {
      const server = await startOldServer(database.url);
      closing.push(() => server.close());
      return server;
    },
    async newServer({ legacyTokens = true, databaseUrl = database.url } = {}): Promise<TestServer> {
      const server = await startServer({
        databaseUrl,
        options: { ...(legacyTokens && { legacyTokens }) },
        io: { allowEIO3: true },
        handlers,
      });
      closing.push(() => server.close());
      return server;
    },
    /** Somebody whom the old package knows, with values that are in the table. */
    async oldUser(url: string, values: Record<string, unknown> = { userId: 7 }, io?: OldClient) {
      const user = app(url, new Map(), io);
      const { token } = await user.gotToken;
      for (const [key, value] of Object.entries(values)) await user.put(key, value);
      await until(async () => (await data(token)) === JSON.stringify(values));
      return { ...user, token };
    },
    /** Those of these tokens that can be read anywhere in the table. */
    async readable(tokens: string[]): Promise<string[]> {
      const text = JSON.stringify(await database.rows("select *, hex(secretHash) from session"));
      return tokens.filter((token) => text.includes(token));
    },
  };
}
