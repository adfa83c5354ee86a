import { afterEach, describe, expect, test } from "@jest/globals";
import { MemoryStore } from "express-session";
import { fromConnectStore, type TokenSessionOptions } from "../../../src/index.js";
import type { ConnectStoreLike } from "../../../src/stores/express-session-backend/store-like.js";
import { HandClock, settled } from "../../support/clock.js";
import { describeWithRedis, newPrefix, redisUrl } from "../../support/redis/redis.js";
import { outcome } from "../../support/servers/nodes.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";
import {
  type RedisBackend,
  recordOf,
  redisBackend,
  rowIn,
} from "../../support/stores/express-session-backend.js";

// Sessions over Socket.IO that live in a store of express-session.

/** A place for rows that outlives the servers on it. */
interface Place {
  /** As a process that starts gets it. */
  open(): Promise<ConnectStoreLike>;
}

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});

function inMemory(): Place {
  const store = new MemoryStore();
  return { open: async () => store };
}

function inRedis(): Place {
  const prefix = newPrefix();
  return {
    async open() {
      const redis: RedisBackend = await redisBackend(redisUrl(), { prefix });
      closing.push(redis.close);
      return redis.store;
    },
  };
}

async function start(
  store: ConnectStoreLike,
  options: Partial<TokenSessionOptions> = {},
  backend: Parameters<typeof fromConnectStore>[1] = {},
): Promise<Rig> {
  const rig = await startRig({ options: { store: fromConnectStore(store, backend), ...options } });
  closing.push(rig.close);
  return rig;
}

describe("MemoryStore of express-session", () => suite(inMemory));
describeWithRedis("connect-redis", () => {
  suite(inRedis);

  test("Redis forgets by itself, an hour after the session is over", async () => {
    const prefix = newPrefix();
    const redis = await redisBackend(redisUrl(), { prefix });
    closing.push(redis.close);
    const rig = await start(redis.store, { expiration: 60 });
    const { id } = await rig.connect();
    const left = await redis.secondsLeft(id);
    expect(left).toBeGreaterThan(3600);
    // With an expiration of a minute, use is written every two seconds.
    expect(left).toBeLessThanOrEqual(3663);
  });
});

function suite(newPlace: () => Place): void {
  test("values are there after the client comes back, and after the process has been restarted", async () => {
    const place = newPlace();
    const first = await start(await place.open());
    const { session, client, token, id } = await first.connect();
    await session.set({ userId: 7, cart: ["a", { "😀": null }] });
    await session.set("gone", 1);
    await session.delete("gone");
    client.disconnect();
    const again = await first.connect(token);
    expect([again.token, again.id]).toEqual([token, id]);
    expect(again.session.toJSON()).toEqual({ userId: 7, cart: ["a", { "😀": null }] });
    await first.close();

    const second = await start(await place.open());
    const back = await second.connect(token);
    expect(back.token).toBe(token);
    expect(back.session.toJSON()).toEqual({ userId: 7, cart: ["a", { "😀": null }] });
    expect(back.session.createdAt).toBe(session.createdAt);
  });

  test("two sockets of one session share its values, and exact increments", async () => {
    const rig = await start(await newPlace().open());
    const one = await rig.connect();
    const other = await rig.connect(one.token);
    await one.session.set("n", 0);
    expect(other.session.get("n")).toBe(0);
    const add = (draft: { n?: unknown }) => {
      draft.n = Number(draft.n) + 1;
    };
    await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? one : other).session.update(add)));
    expect([one.session.get("n"), other.session.get("n")]).toEqual([40, 40]);
  });

  test("two servers of one process on one store lose nothing of each other", async () => {
    const store = await newPlace().open();
    const [here, there] = [await start(store), await start(store)];
    const one = await here.connect();
    const other = await there.connect(one.token);
    const add = (draft: { n?: unknown }) => {
      draft.n = Number(draft.n ?? 0) + 1;
    };
    await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 ? one : other).session.update(add)));
    await Promise.all([one.session.set("here", 1), other.session.set("there", 1)]);
    expect(JSON.parse(String((await rowIn(store, one.id))?.["data"]))).toEqual({ n: 40, here: 1, there: 1 });
  });

  test("login, logout, destroy", async () => {
    const store = await newPlace().open();
    const rig = await start(store);
    const { session, client, token, id } = await rig.connect();
    const sent = gotToken(client);
    await session.login("ada");
    const { token: newToken } = await sent;
    expect((await rowIn(store, id))?.["userId"]).toBe("ada");
    expect(await gotToken(rig.client({ auth: { token } }))).toMatchObject({ errors: "Session Not Found" });
    const other = await rig.connect(newToken);
    expect(other.session.userId).toBe("ada");

    const told = [client, other.client].map((each) => next(each, "sessionEnd"));
    await session.destroy();
    expect(await Promise.all(told)).toEqual(Array(2).fill([{ reason: "destroyed" }]));
    expect(await recordOf(store, id)).toBeUndefined();
    expect(await outcome(other.session.set("n", 1))).toBe("SESSION_ENDED");
    expect(await gotToken(rig.client({ auth: { token: newToken } }))).toMatchObject({
      errors: "Session Not Found",
      created: true,
    });
  });

  test("one that is over is told to be expired, live or presented later, and is never written back", async () => {
    const clock = new HandClock();
    const store = await newPlace().open();
    const rig = await startRig({
      options: { store: fromConnectStore(store, { clock }), clock, expiration: 60, idle: "events" },
    });
    // A look at the row may be pausing, because it is too early to believe that the session is over.
    closing.push(() => clock.advanceUntil(rig.close()));
    const { session, client, token, id } = await rig.connect();
    await session.set("n", 1);
    const told = next(client, "sessionEnd");
    while (session.active) {
      clock.advance(250);
      // Answers come in order: what was asked for up to now has been answered with this.
      await recordOf(store, id);
      await settled();
    }
    expect(await told).toEqual([{ reason: "expired" }]);
    expect(await outcome(session.set("n", 2))).toBe("SESSION_ENDED");
    expect((await rowIn(store, id))?.["data"]).toBe('{"n":1}');
    const again = await gotToken(rig.client({ auth: { token } }));
    expect(again).toMatchObject({ errors: "Session Expired", created: true });
  });

  test("no secret is in the store", async () => {
    const store = await newPlace().open();
    const rig = await start(store);
    const { session, token, id } = await rig.connect();
    await session.set("n", 1);
    const text = JSON.stringify(await recordOf(store, id));
    expect(text).toContain(id);
    expect(text).not.toContain(token.slice(33));
  });

  test("check, find and destroy by id work", async () => {
    const rig = await start(await newPlace().open());
    await rig.sessions.check();
    const { id, session } = await rig.connect();
    await (await rig.sessions.find(id))?.set("n", 1);
    expect(session.get("n")).toBe(1);
    await rig.sessions.destroy(id);
    expect(session.active).toBe(false);
    expect(await rig.sessions.find(id)).toBeUndefined();
  });

  test("what needs a list is refused, and says why", async () => {
    const rig = await start(await newPlace().open());
    const { session } = await rig.connect();
    await session.login("ada");
    const { sessions } = rig;
    expect(await outcome(sessions.forUser("ada"))).toBe("SESSION_UNSUPPORTED");
    expect(await outcome(sessions.destroyForUser("ada"))).toBe("SESSION_UNSUPPORTED");
    expect(await outcome(sessions.prune())).toBe("SESSION_UNSUPPORTED");
    expect(session.active).toBe(true);
  });
}
