import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { memoryStore } from "../../../src/index.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, startServer } from "../../support/servers/server.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test.each(["the database", "memory"])(
  "devices that came within one second are listed newest first, from %s",
  async (place) => {
    const inMemory = place === "memory";
    const server = await startServer(
      inMemory ? { options: { store: memoryStore() } } : { databaseUrl: database.url },
    );
    try {
      const ids: string[] = [];
      for (let count = 0; count < 4; count++) {
        const client = server.client({ auth: { token: "" } });
        const { token } = await gotToken(client);
        await serverSideOf(server.io, client).session.login("ada");
        ids.push(token.slice(0, 32));
      }
      if (!inMemory) await database.rows("update session set createdAt = 1 where userId = 'ada'");
      const listed = (await server.sessions.forUser("ada")).map(({ sessionId }) => sessionId);
      expect(listed).toEqual(ids.sort().reverse());
    } finally {
      await server.close();
    }
  },
);
