import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServerOptions } from "socket.io";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { type ChildNode, Clients, startChild } from "../../support/processes/child-node.js";
import { describeWithRedis, newPrefix } from "../../support/redis/redis.js";
import { NO_SWEEP } from "../../support/servers/cluster.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Two servers, each a process of its own on the built package, over each of the two Redis adapters.

describeWithRedis("two processes", () => {
  let database: TestDatabase;
  const clients = new Clients();
  const running: ChildNode[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    clients.close();
    await Promise.all(running.splice(0).map((node) => node.stop()));
  });
  afterAll(() => database.drop());

  async function startTwo(adapter: "redis" | "streams", io: Partial<ServerOptions> = {}) {
    const prefix = newPrefix();
    const settings = { databaseUrl: database.url, adapter, prefix, options: NO_SWEEP, io };
    const [here, there] = await Promise.all([startChild(settings), startChild(settings)]);
    running.push(here, there);
    await Promise.all([here.call("hear", 2), there.call("hear", 2)]);
    return { here, there };
  }

  async function open(node: ChildNode, presented = "") {
    const client = clients.open(node.url, { auth: { token: presented } });
    const { token } = await gotToken(client);
    return { client, token, id: token.slice(0, 32) };
  }

  describe.each(["redis", "streams"] as const)("over %s", (adapter) => {
    test("what one writes, the other shows at once", async () => {
      const { here, there } = await startTwo(adapter);
      const { client, token, id } = await open(here);
      const { client: other } = await open(there, token);
      // Both ways, and by each kind of write.
      for (const [from, to, asked, event, args, key, value] of [
        [client, other, there, "set", ["cart", [1]], "cart", [1]],
        [other, client, here, "add", ["n"], "n", 1],
        [client, other, there, "put", ["name", "Ann"], "name", "Ann"],
      ] as const) {
        const change = asked.event("sessionChange");
        expect(await ask(from, event, ...args)).toBe("");
        expect(await change).toEqual({ sessionId: id, keys: [key] });
        expect(await ask(to, "get", key)).toEqual({ value, active: true });
      }
    });

    test("increments on both at once are exact", async () => {
      const { here, there } = await startTwo(adapter);
      const { client, token } = await open(here);
      const { client: other } = await open(there, token);
      const added = Array.from({ length: 40 }, (_, n) => ask(n % 2 ? client : other, "add", "n"));
      expect(new Set(await Promise.all(added))).toEqual(new Set([""]));
      const [row] = await database.rows<{ data: string }>("select data from session where sessionId = ?", [
        token.slice(0, 32),
      ]);
      expect(row?.data).toBe('{"n":40}');
    });

    test("destroy() on one disconnects the sockets of that session on the other, and no others", async () => {
      const { here, there } = await startTwo(adapter);
      const { client, token, id } = await open(here);
      const others = [(await open(there, token)).client, (await open(there, token)).client];
      const stranger = await open(there);
      const told = [client, ...others].map((socket) => next(socket, "sessionEnd"));
      const gone = [client, ...others].map((socket) => next(socket, "disconnect"));
      const end = there.event("sessionEnd");
      expect(await ask(client, "destroy")).toBe("");
      expect(await Promise.all(told)).toEqual(Array(3).fill([{ reason: "destroyed" }]));
      for (const [reason] of await Promise.all(gone)) expect(reason).toBe("io server disconnect");
      expect(await end).toEqual({ sessionId: id, reason: "destroyed" });
      expect(await ask(stranger.client, "get", "n")).toEqual({ value: "", active: true });
    });

    test("sessions.destroy(id) where nobody has it open ends it where somebody has", async () => {
      const { here, there } = await startTwo(adapter);
      const { client, id } = await open(there);
      const told = next(client, "sessionEnd");
      const gone = next(client, "disconnect");
      const end = there.event("sessionEnd");
      await here.call("destroy", id);
      expect((await told)[0]).toEqual({ reason: "destroyed" });
      expect((await gone)[0]).toBe("io server disconnect");
      expect(await end).toEqual({ sessionId: id, reason: "destroyed" });
      expect(await database.rows("select 1 from session where sessionId = ?", [id])).toEqual([]);
    });

    test("with connection state recovery on, a client is told so too before it is disconnected", async () => {
      const { here, there } = await startTwo(adapter, { connectionStateRecovery: {} });
      const { client, id } = await open(there);
      const told: unknown[] = [];
      client.on("sessionEnd", (message) => told.push(message));
      const gone = next(client, "disconnect");
      await here.call("destroy", id);
      await gone;
      expect(told).toEqual([{ reason: "destroyed" }]);
    });
  });
});
