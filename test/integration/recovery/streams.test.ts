import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Socket } from "socket.io-client";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { type ChildNode, Clients, startChild } from "../../support/processes/child-node.js";
import {
  describeWithRedis,
  type Monitor,
  newPrefix,
  redisUrl,
  startMonitor,
} from "../../support/redis/redis.js";
import { NO_SWEEP } from "../../support/servers/cluster.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Connection state recovery with its defaults on the adapter that keeps it in a Redis stream: what one
// process left there, the process that takes its place recovers, and runs no middleware for it.

describeWithRedis("recovered by another process", () => {
  let database: TestDatabase;
  let monitor: Monitor;
  const clients = new Clients();
  const running: ChildNode[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    monitor = await startMonitor(redisUrl());
  });
  afterEach(async () => {
    clients.close();
    await Promise.all(running.splice(0).map((node) => node.stop()));
  });
  afterAll(async () => {
    await monitor?.stop();
    await database.drop();
  });

  async function start(prefix = newPrefix(), port?: number) {
    const node = await startChild({
      databaseUrl: database.url,
      adapter: "streams",
      prefix,
      options: NO_SWEEP,
      io: { connectionStateRecovery: {} },
      ...(port && { port }),
    });
    running.push(node);
    return { node, prefix };
  }

  /** How the first process ends; its clients' state is in Redis then. */
  const endings = {
    async SIGKILL(node: ChildNode, prefix: string) {
      // A network that went first: what a process has in hand when it dies, nobody can recover.
      const before = (await monitor.text()).length;
      await node.call("cut");
      while (!(await monitor.text()).slice(before).includes(`"${prefix}:session:`));
      await node.kill();
    },
    "an orderly stop": (node: ChildNode) => node.stop(),
  };

  /** Asks once, as a client of the old package does, and never again. */
  async function openOnce(node: ChildNode): Promise<{ client: Socket; id: string }> {
    const client = clients.open(node.url);
    const welcome = next(client, "welcome");
    const received = gotToken(client);
    client.emit("getToken", { token: "" });
    const { token } = await received;
    await welcome;
    expect(await ask(client, "set", "userId", 7)).toBe("");
    return { client, id: token.slice(0, 32) };
  }

  describe.each(Object.keys(endings) as (keyof typeof endings)[])("after %s", (ending) => {
    /** Another process in the place of this one, after `meanwhile`. */
    async function restart({ node, prefix }: Awaited<ReturnType<typeof start>>, client: Socket) {
      const gone = next(client, "disconnect");
      await endings[ending](node, prefix);
      await gone;
      return { again: () => start(prefix, node.port).then(({ node }) => node) };
    }

    test("the session is there before the first event, with the values of the row", async () => {
      const first = await start();
      const { client, id } = await openOnce(first.node);
      const { again } = await restart(first, client);
      // By hand, meanwhile: what is shown was read after the restart.
      await database.pool.query("update session set data = ?, revision = revision + 1 where sessionId = ?", [
        '{"userId":8}',
        id,
      ]);
      // Kept by the client, and sent before its own `connect` handlers run.
      const early = [ask(client, "get", "userId"), ask(client, "add", "n"), ask(client, "get", "n")];
      const welcome = next(client, "welcome");
      const node = await again();
      expect(await Promise.all(early)).toEqual([{ value: 8, active: true }, "", { value: 1, active: true }]);
      expect(client.recovered).toBe(true);
      expect((await welcome)[0]).toEqual({ recovered: true, active: true });
      expect(await node.call("handled")).toEqual(["userId", "n"]);
    });

    test("a client that presents its token is verified by it", async () => {
      const first = await start();
      const auth = { token: "" };
      const client = clients.open(first.node.url, { auth });
      const welcome = next(client, "welcome");
      auth.token = (await gotToken(client)).token;
      await welcome;
      await ask(client, "set", "userId", 7);
      const { again } = await restart(first, client);
      const early = ask(client, "get", "userId");
      const told = gotToken(client);
      await again();
      expect(await early).toEqual({ value: 7, active: true });
      expect(await told).toMatchObject({ token: auth.token, errors: "", created: false });
      expect(client.recovered).toBe(true);
    });

    test.each([
      ["destroyed", "delete from session where sessionId = ?"],
      ["expired", "update session set expires = 1 where sessionId = ?"],
    ])("one that was %s meanwhile is refused, and its events reach nobody", async (reason, statement) => {
      const first = await start();
      const { client, id } = await openOnce(first.node);
      const { again } = await restart(first, client);
      await database.pool.query(statement, [id]);
      let answered = false;
      client.emit("get", "userId", () => {
        answered = true;
      });
      const told = next(client, "sessionEnd");
      const gone = next(client, "disconnect");
      const node = await again();
      expect((await told)[0]).toEqual({ reason });
      expect((await gone)[0]).toBe("io server disconnect");
      expect(answered).toBe(false);
      expect(await node.call("handled")).toEqual([]);
    });

    test("one under another secret is not given back", async () => {
      const first = await start();
      const { client, id } = await openOnce(first.node);
      const { again } = await restart(first, client);
      await database.pool.query("update session set secretHash = repeat('x', 32) where sessionId = ?", [id]);
      const early = ask(client, "get", "userId");
      await again();
      expect(await early).toEqual({ value: "", active: false });
      expect(client.recovered).toBe(false);
    });
  });
});
