import { describe, expect, test } from "@jest/globals";
import type { Socket as Client } from "socket.io-client";
import { type FreshNode, freshNode, freshPair, LOOK, say } from "../../support/servers/fresh-node.js";
import { until, useNodes } from "../../support/servers/nodes.js";
import { liveIds } from "../../support/servers/rig.js";
import { ask, gotToken, next, type TestServerOptions } from "../../support/servers/server.js";

// `freshness: "event"`: a server that looks at the row before it passes an event on. The other server and it
// have no cluster adapter, and the sweep does not come by while a test runs.

const nodes = useNodes();
const pair = (given?: TestServerOptions) => freshPair(nodes, given);

describe('"event"', () => {
  test("the very next event finds what another server wrote", async () => {
    const { here, there } = await pair();
    for (let n = 1; n <= 20; n++) {
      await here.session.set("n", n);
      expect(await say(there.client, "?")).toMatchObject({ n });
    }
  });

  test("and what somebody wrote by hand", async () => {
    const { there } = await pair();
    await nodes.database.pool.query(
      `update session set data = '{"n":"by hand"}', revision = revision + 1 where sessionId = ?`,
      [there.id],
    );
    expect(await say(there.client, "?")).toMatchObject({ n: "by hand" });
  });

  test("where it is not asked for, it does not, and no statement is made", async () => {
    const { other, here, there } = await pair({ options: { freshness: "connection" } });
    await here.session.set("n", 1);
    expect(await say(there.client, "?")).toMatchObject({ n: "" });
    expect(other.looks).toBe(0);
  });

  test("the row is read only where it has moved", async () => {
    const { other, here, there } = await pair();
    let reads = 0;
    other.proxy.watchAnswers("coalesce(data", () => {
      reads++;
      return false;
    });
    for (let n = 0; n < 5; n++) await say(there.client, n);
    expect([other.looks, reads]).toEqual([5, 0]);
    await here.session.set("n", 1);
    await say(there.client, "moved");
    expect([other.looks, reads]).toEqual([6, 1]);
  });

  test("also beside a write of its own", async () => {
    const { other, here, there } = await pair();
    const writing = other.proxy.hold("update");
    const set = there.session.set("mine", 1);
    const write = await writing;
    const said = say(there.client, "behind it");
    await other.arrived(1);
    await here.session.set("n", 1);
    await write.release();
    expect(await said).toMatchObject({ n: 1 });
    await set;
    expect((await nodes.row(there.id))?.data).toEqual({ n: 1, mine: 1 });
  });

  test("sockets without a session are not held up", async () => {
    const node = await freshNode(nodes);
    const client = node.client();
    expect(await say(client, "nobody")).toEqual({ word: "nobody", id: undefined, n: "" });
    expect(node.looks).toBe(0);
  });
});

describe("an event is not passed on", () => {
  async function expectEnd(other: FreshNode, client: Client, reason: string): Promise<void> {
    const [told, cut] = [next(client, "sessionEnd"), next(client, "disconnect")];
    client.emit("say", "too late");
    expect(await told).toEqual([{ reason }]);
    await cut;
    expect(other.heard).toEqual([]);
  }

  test("when another server has destroyed the session", async () => {
    const { other, here, there } = await pair();
    await here.session.destroy();
    await expectEnd(other, there.client, "destroyed");
  });

  test("when it has expired", async () => {
    const { other, there } = await pair();
    await nodes.database.pool.query("update session set expires = 1 where sessionId = ?", [there.id]);
    await expectEnd(other, there.client, "expired");
  });

  test("when its secret has been replaced, until the new token is presented", async () => {
    const { other, here, there } = await pair();
    const replaced = gotToken(here.client);
    await here.session.regenerate();
    const { token } = await replaced;
    const told = next(there.client, "tokenChanged");
    there.client.emit("say", "by the old one");
    await told;
    there.client.emit("say", "while it has none");
    await other.arrived(2);
    expect([other.heard, there.session.active]).toEqual([[], false]);
    expect(await ask(there.client, "getToken", { token })).toMatchObject({ token, errors: "" });
    expect(await say(there.client, "by the new one")).toMatchObject({ id: there.id });
    expect(other.heard.map(({ word }) => word)).toEqual([
      "by the old one",
      "while it has none",
      "by the new one",
    ]);
  });

  test("when its client has gone meanwhile, and nothing is left behind", async () => {
    const { other, there } = await pair();
    const looking = other.proxy.hold(LOOK);
    there.client.emit("say", "and goes");
    const look = await looking;
    const gone = next(there.socket, "disconnect");
    there.client.disconnect();
    await gone;
    await look.release();
    await until(async () => liveIds(other.sessions).length === 0);
    expect(other.heard).toEqual([]);
  });

  test("when its values cannot be read: the client opens anew, and gets what is due to it", async () => {
    const { other, there } = await pair();
    await nodes.database.pool.query(
      "update session set data = '[', revision = revision + 1 where sessionId = ?",
      [there.id],
    );
    const closed = next(there.client, "disconnect");
    const opened = gotToken(there.client);
    there.client.emit("say", "?");
    await closed;
    expect(await opened).toMatchObject({ created: true });
    expect(other.heard).toEqual([]);
    expect((await other.log.line(/cannot be passed on/))["code"]).toBe("SESSION_DATA_INVALID");
  });
});

describe("events that come together", () => {
  test("keep their order, and each finds nothing older than itself", async () => {
    const { here, other, there } = await pair();
    await here.session.set("n", 0);
    const writing = (async () => {
      for (let n = 1; n <= 20; n++) await here.session.set("n", n);
    })();
    const answers = Array.from({ length: 200 }, (_, word) => say(there.client, word));
    await Promise.all(answers);
    await writing;
    expect(await say(there.client, 200)).toMatchObject({ n: 20 });
    expect(other.heard.map(({ word }) => word)).toEqual(Array.from({ length: 201 }, (_, word) => word));
    const found = other.heard.map(({ n }) => Number(n));
    expect(found).toEqual([...found].sort((a, b) => a - b));
  });

  test("share a look that begins after the last of them has come", async () => {
    const { other, here, there } = await pair();
    const looking = other.proxy.hold(LOOK);
    const first = say(there.client, "first");
    const look = await looking;
    const others = Array.from({ length: 200 }, (_, word) => say(there.client, word));
    await other.arrived(201);
    await here.session.set("n", 1);
    const again = other.proxy.hold(LOOK);
    await look.release();
    await first;
    const second = await again;
    expect(other.heard.map(({ word }) => word)).toEqual(["first"]);
    await second.release();
    for (const { n } of await Promise.all(others)) expect(n).toBe(1);
    // Those that were held are not counted by the proxy.
    expect(other.looks).toBe(0);
  });

  test("looks of many sockets are few statements, and of one session one", async () => {
    const { other, there } = await pair();
    const tabs = await Promise.all(Array.from({ length: 20 }, () => other.connect(there.token)));
    const strangers = await Promise.all(Array.from({ length: 40 }, () => other.connect()));
    await Promise.all([...tabs, ...strangers].map(({ client }) => say(client, "?")));
    expect(other.heard).toHaveLength(60);
    expect(other.looks).toBeLessThanOrEqual(20);
  });
});

test('with `required` and `idle: "events"`: events that are passed on are use', async () => {
  const { other, here, there } = await pair({ options: { required: true, idle: "events" } });
  await nodes.database.pool.query("update session set expires = expires - 40000 where sessionId = ?", [
    there.id,
  ]);
  const before = Number((await nodes.row(there.id))?.expires);
  await here.session.set("n", 1);
  expect(await say(there.client, "?")).toMatchObject({ n: 1 });
  await until(async () => Number((await nodes.row(there.id))?.expires) > before);
  expect(other.looks).toBe(1);
});
