import { afterEach, expect, test } from "@jest/globals";
import { fromConnectStore } from "../../../src/index.js";
import { startProxy } from "../../support/database/proxy.js";
import { describeWithOwnRedis } from "../../support/redis/own-redis.js";
import { outcome } from "../../support/servers/nodes.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { gotToken } from "../../support/servers/server.js";
import { type RedisBackend, redisBackend, rowIn } from "../../support/stores/express-session-backend.js";

// Redis is stopped and started again on the same port, with what it held: an outage is a pause, and nobody is
// logged out.

await describeWithOwnRedis("connect-redis while Redis is away", (own) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  });

  async function start(options = {}, waits = true): Promise<Rig & { redis: RedisBackend }> {
    const redis = await redisBackend(own().url, { waits });
    closing.push(redis.close);
    const rig = await startRig({
      options: { store: fromConnectStore(redis.store), storeTimeout: 1, ...options },
    });
    closing.push(rig.close);
    return { ...rig, redis };
  }

  test("a change that waits is written when it is back, and sockets stay as they are", async () => {
    const { redis, connect } = await start({ storeTimeout: 60 });
    const { session, client, id } = await connect();
    await session.set("n", 1);
    const lost = redis.noticesLoss();
    await own().stop();
    await lost;
    const change = session.set("n", 2);
    expect(session.get("n")).toBe(2);
    await own().start();
    await change;
    expect((await rowIn(redis.store, id))?.["data"]).toBe('{"n":2}');
    expect([client.connected, session.active]).toEqual([true, true]);
  });

  test.each([
    ["commands wait for Redis", true, "SESSION_STORE_UNAVAILABLE"],
    ["commands fail at once", false, "SESSION_STORE_UNAVAILABLE"],
  ])("%s: a change is rejected in time, surely not written, and a later one is", async (_, waits, code) => {
    const { redis, connect } = await start({}, waits);
    const { session, client, id } = await connect();
    await session.set("n", 1);
    const lost = redis.noticesLoss();
    await own().stop();
    await lost;
    expect(await outcome(session.set("n", 2))).toBe(code);
    expect(session.get("n")).toBe(1);
    await own().start();
    await redis.ready();
    expect((await rowIn(redis.store, id))?.["data"]).toBe('{"n":1}');
    await session.set("n", 3);
    expect((await rowIn(redis.store, id))?.["data"]).toBe('{"n":3}');
    expect([client.connected, session.active]).toEqual([true, true]);
  });

  test("who connects meanwhile is told so, and has the same session when it is back", async () => {
    const { redis, connect, client, log } = await start({ revalidate: 1 }, false);
    const first = await connect();
    await first.session.set("n", 1);
    const lost = redis.noticesLoss();
    await own().stop();
    await lost;
    const second = client({ auth: { token: first.token } });
    expect(await gotToken(second)).toEqual({ token: "", errors: "Session store unavailable" });
    // The sweep has looked for the session that is open, too, and could not.
    await log.line(/sessions cannot be|cannot be read again/);
    expect([first.client.connected, first.session.active, first.session.get("n")]).toEqual([true, true, 1]);
    const back = gotToken(second);
    await own().start();
    expect(await back).toMatchObject({ token: first.token, errors: "", created: false });
    await first.session.reload();
    expect(first.session.get("n")).toBe(1);
  });

  test("answers that are lost on the way: what was written is found in the record, and nothing is done twice", async () => {
    const proxy = await startProxy(own().url);
    closing.push(proxy.close);
    const redis = await redisBackend(proxy.through(own().url));
    closing.push(redis.close);
    const { connect, close } = await startRig({ options: { store: fromConnectStore(redis.store) } });
    closing.push(close);
    const { session, id } = await connect();
    for (let n = 1; n <= 5; n++) {
      const cut = proxy.cutNextAnswer("\r\nSET\r\n");
      const changed = session.update((draft) => {
        draft["n"] = Number(draft["n"] ?? 0) + 1;
      });
      await Promise.all([cut, changed]);
      expect((await rowIn(redis.store, id))?.["data"]).toBe(`{"n":${n}}`);
    }
    const cut = proxy.cutNextAnswer("\r\nDEL\r\n");
    await Promise.all([cut, session.destroy()]);
    expect(await rowIn(redis.store, id)).toBeUndefined();
  });

  test("a server that starts after the restart has the sessions of the one before", async () => {
    const before = await start();
    const { session, token } = await before.connect();
    await session.set("n", 1);
    // Two servers with prefixes of their own would be strangers.
    const { redis } = before;
    await before.close();
    await own().stop();
    await own().start();
    await redis.ready();
    const after = await startRig({ options: { store: fromConnectStore(redis.store) } });
    closing.push(after.close);
    expect((await after.connect(token)).session.get("n")).toBe(1);
  });
});
