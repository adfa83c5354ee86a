import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServerOptions } from "socket.io";
import type { Socket } from "socket.io-client";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import {
  type ChildNode,
  type ChildOptions,
  Clients,
  startChild,
} from "../../support/processes/child-node.js";
import { describeWithOwnRedis } from "../../support/redis/own-redis.js";
import { commandsRun, tellRedis } from "../../support/redis/own-redis-commands.js";
import { newPrefix } from "../../support/redis/redis.js";
import { NO_SWEEP } from "../../support/servers/cluster.js";
import { until } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Redis is frozen, killed, started again, or refuses. The servers are processes of their own, which have no
// handler of unhandled rejections: Node ends them with the first. What breaks a connection comes while Redis
// is frozen: so a message is on its way for sure.

const FAIL = /announcements to other servers fail/g;
const AGAIN = /announcements to other servers are heard again/g;

type Way = Pick<ChildOptions, "adapter" | "redisPackage">;

await describeWithOwnRedis("while Redis is away", (own) => {
  let database: TestDatabase;
  const clients = new Clients();
  const running: ChildNode[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => {
    clients.close();
    await Promise.all(running.map((node) => node.kill()));
    await database.drop();
  });

  async function startNode(way: Way, prefix: string, io: Partial<ServerOptions> = {}) {
    const node = await startChild({
      ...way,
      databaseUrl: database.url,
      redis: own().url,
      prefix,
      // Its own messages may end the process while Redis is away, as without us.
      welcomes: false,
      options: NO_SWEEP,
      io,
    });
    running.push(node);
    return node;
  }

  async function open(node: ChildNode, presented = "") {
    const client = clients.open(node.url, { auth: { token: presented } });
    const { token } = await gotToken(client);
    return { client, token };
  }

  /** Two servers that hear each other, and a session that both have open. */
  async function startTwo(way: Way) {
    const prefix = newPrefix();
    const [here, there] = await Promise.all([startNode(way, prefix), startNode(way, prefix)]);
    await hearEachOther(here, there);
    const { client, token } = await open(here);
    await open(there, token);
    return { here, there, client };
  }

  /** A change that the other server hears of at once: it does not sweep while a test runs. */
  async function isHeard(client: Socket, there: ChildNode, key: string) {
    // Changes of before may be heard just before it, several at a time.
    const heard = there.event("sessionChange", (content) =>
      (content as { keys: string[] }).keys.includes(key),
    );
    expect(await ask(client, "set", key, 1)).toBe("");
    await heard;
  }

  describe.each<Way>([
    // Each adapter and each package once: how a promise is dropped is the adapter's doing, how it fails is
    // the package's.
    { adapter: "redis", redisPackage: "redis" },
    { adapter: "sharded", redisPackage: "ioredis" },
    { adapter: "streams", redisPackage: "redis" },
  ])("$adapter adapter on $redisPackage", (way) => {
    let here: ChildNode;
    let there: ChildNode;
    let client: Socket;
    beforeAll(async () => {
      ({ here, there, client } = await startTwo(way));
    });

    test("killed in the midst of an announcement: the process lives, and is heard again, and says each once", async () => {
      await isHeard(client, there, "before");
      const logged = (await here.logged()).length;
      own().freeze();
      expect(await ask(client, "set", "frozen", 1)).toBe("");
      await here.call("handled");
      await own().kill();
      await logs(here, FAIL, logged);
      for (let n = 0; n < 5; n++) expect(await ask(client, "set", "away", n)).toBe("");
      await own().start();
      await logs(here, AGAIN, logged);
      await hearEachOther(here, there);
      await isHeard(client, there, "after");
      const log = (await here.logged()).slice(logged);
      expect([log.match(FAIL)?.length, log.match(AGAIN)?.length]).toEqual([1, 1]);
    });

    test("frozen: changes are gathered, a few messages of ours wait, and all is heard when it goes on", async () => {
      const others = await Promise.all([open(here), open(here), open(here)]);
      const published = await commandsRun(own().url, "publish", "spublish");
      own().freeze();
      for (let n = 0; n < 20; n++) {
        expect(await ask(client, "set", "n", n)).toBe("");
        for (const other of others) expect(await ask(other.client, "set", "n", n)).toBe("");
      }
      own().thaw();
      await isHeard(client, there, "thawed");
      // Of 80 changes: eight that were on their way, what was gathered meanwhile, and the last.
      expect((await commandsRun(own().url, "publish", "spublish")) - published).toBeLessThanOrEqual(10);
    });

    test("it refuses to publish: the process lives, and is heard when it may again", async () => {
      const logged = (await here.logged()).length;
      await tellRedis(own().url, ["ACL", "SETUSER", "default", "-publish", "-spublish"]);
      expect(await ask(client, "set", "refused", 1)).toBe("");
      await logs(here, FAIL, logged);
      await tellRedis(own().url, ["ACL", "SETUSER", "default", "+publish", "+spublish"]);
      await logs(here, AGAIN, logged);
      await isHeard(client, there, "allowed");
    });

    test("what is sent to a user, or asked of one, ends no process", async () => {
      own().freeze();
      await here.call("toUser", "ann");
      await here.call("askUser", "ann");
      await here.call("handled");
      await own().kill();
      // Also what is sent from now on.
      await here.call("toUser", "ann");
      await here.call("askUser", "ann");
      await own().start();
      await hearEachOther(here, there);
      await isHeard(client, there, "afterwards");
    });

    test("asked for the devices of a user, a server does not wait for ever", async () => {
      const user = newPrefix();
      expect(await ask(client, "login", user)).toBe("");
      expect(await here.call("devices", user)).toMatchObject([{ live: true }]);
      own().freeze();
      const asked = [here.call("devices", user), here.call("devices", user)];
      expect(await Promise.all(asked)).toMatchObject([[{ live: true }], [{ live: true }]]);
      const late = here.call("devices", user);
      await own().kill();
      expect(await late).toMatchObject([{ live: true }]);
      await own().start();
      await hearEachOther(here, there);
    });
  });

  test("rooms that end with a login, and are withheld from who is cut loose, end no process", async () => {
    const here = await startNode({ adapter: "sharded", redisPackage: "ioredis" }, newPrefix());
    const { client } = await open(here);
    const sent = gotToken(client);
    expect(await ask(client, "login", "ann")).toBe("");
    const { client: tab } = await open(here, (await sent).token);
    for (const each of [client, tab]) expect(await ask(each, "join", newPrefix())).toBe("");
    await tellRedis(own().url, ["ACL", "SETUSER", "default", "-sunsubscribe"]);
    const asked = next(tab, "tokenChanged");
    expect(await ask(client, "logout")).toBe("");
    await asked;
    await tellRedis(own().url, ["ACL", "SETUSER", "default", "+sunsubscribe"]);
    expect(await ask(client, "set", "n", 1)).toBe("");
  });

  test("control: a message of the application's own still ends a process, as without sessions", async () => {
    const here = await startNode({ adapter: "redis" }, newPrefix());
    await here.call("hear", 1);
    own().freeze();
    await here.call("serverSideEmit", "anything");
    const over = until(async () => here.call("handled").then(() => false, String));
    await own().kill();
    expect(await over).toMatch(/the node ended by itself/);
    await own().start();
  });

  test.each<Way>([{ adapter: "redis" }, { adapter: "streams" }])(
    "with connection state recovery on, over $adapter: who is to present a new token is asked at once; the process lives, and closes",
    async (way) => {
      const here = await startNode(way, newPrefix(), { connectionStateRecovery: {} });
      const { client, token } = await open(here);
      const { client: other } = await open(here, token);
      own().freeze();
      const asked = next(other, "tokenChanged");
      expect(await ask(client, "login", "bob")).toBe("");
      await asked;
      await own().kill();
      await logs(here, FAIL);
      expect(await ask(client, "set", "n", 1)).toBe("");
      await own().start();
      await logs(here, AGAIN);
      own().freeze();
      expect(await ask(client, "set", "n", 2)).toBe("");
      await here.call("closeSessions");
      await own().kill();
      await here.call("handled");
      await own().start();
    },
  );
});

function hearEachOther(...nodes: ChildNode[]) {
  return Promise.all(nodes.map((node) => node.call("hear", nodes.length)));
}

/** Resolves when it has logged this, after so many characters. */
function logs(node: ChildNode, pattern: RegExp, after = 0): Promise<boolean> {
  return until(async () => (await node.logged()).slice(after).match(pattern) !== null);
}
