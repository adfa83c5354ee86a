import { afterEach, describe, expect, test } from "@jest/globals";
import { MemoryStore, type Store } from "express-session";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { fromCookie } from "../../../src/http/cookies.js";
import { fromConnectStore, memoryStore, type TokenSessionOptions } from "../../../src/index.js";
import { CookieClient } from "../../support/http/cookie-client.js";
import { addExpressApp, type ExpressApp, type Routes } from "../../support/http/express-app.js";
import { describeWithRedis, redisUrl } from "../../support/redis/redis.js";
import { outcome } from "../../support/servers/nodes.js";
import { type Rig, serverSideOf, startRig } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";
import { recordOf, redisBackend, rowIn } from "../../support/stores/express-session-backend.js";

// A deployment of express-session on some store moves here: its sessions are taken over, each when its cookie
// comes, and nobody is logged out.

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});

const routes: Routes = {
  "/login": (session) => {
    session["user"] = { name: "Ada", "😀": ["a"] };
    session["__proto__x"] = 1;
  },
  "/": (session) => ({ ...session, cookie: undefined }),
};
const VALUES = { user: { name: "Ada", "😀": ["a"] }, __proto__x: 1 };

async function started(options: Partial<TokenSessionOptions>): Promise<Rig> {
  const rig = await startRig({ options });
  closing.push(rig.close);
  return rig;
}

/** Somebody who has logged in while plain express-session kept the sessions. */
async function loggedInBefore(store: Store, cookie = {}): Promise<{ browser: CookieClient } & ExpressApp> {
  const before = await started({ store: memoryStore() });
  const app = addExpressApp(before, routes, { store, cookie });
  const browser = app.client();
  await browser.get("/login");
  return { ...app, browser };
}

/** The server of today: sockets by the cookie, requests by express-session on our store. */
async function today(store: Store) {
  const rig = await started({
    store: fromConnectStore(store),
    legacyTokens: true,
    identify: fromCookie({ secret: "cat" }),
  });
  return { rig, app: addExpressApp(rig, routes) };
}

describe("from MemoryStore", () => suite(async () => new MemoryStore()));
describeWithRedis("from connect-redis", () =>
  suite(async () => {
    const redis = await redisBackend(redisUrl());
    closing.push(redis.close);
    return redis.store;
  }),
);

function suite(newStore: () => Promise<Store>): void {
  test("a request with the old cookie finds its session, under a public id; the old record is gone", async () => {
    const store = await newStore();
    const { browser, sidOf, idOf } = await loggedInBefore(store, { maxAge: 600_000 });
    const [sid, id] = [sidOf(browser), idOf(browser)];
    const { expires } = (await recordOf(store, sid))?.cookie ?? {};
    const { rig, app } = await today(store);
    const tab = new CookieClient(rig.url, browser.cookie);
    expect(await tab.get("/")).toMatchObject({ status: 200, body: VALUES });
    expect(await recordOf(store, sid)).toBeUndefined();
    const row = await rowIn(store, id);
    const { "\u0000cookie": cookie, ...values } = JSON.parse(String(row?.["data"]));
    expect(values).toEqual(VALUES);
    expect(cookie).toMatchObject({ httpOnly: true, path: "/" });
    // express-session reads the clock twice, and may lose a millisecond between.
    expect(Math.ceil(cookie.originalMaxAge / 1000)).toBe(600);
    expect(row).toMatchObject({ idleSeconds: 600, userId: null });
    expect(Number(row?.["expires"])).toBeGreaterThanOrEqual(Math.floor(Date.parse(expires) / 1000));
    expect(JSON.stringify(row)).not.toContain(sid);
    expect(app.errors).toEqual([]);
  });

  test("destroyed by the store before anybody has come with it, it is gone", async () => {
    const store = await newStore();
    const { browser, sidOf } = await loggedInBefore(store);
    const { rig, app } = await today(store);
    const sid = sidOf(browser);
    await new ConnectStore(rig.sessions).destroy(sid);
    expect(await recordOf(store, sid)).toBeUndefined();
    expect((await new CookieClient(rig.url, browser.cookie).get("/")).body).toEqual({});
    expect(app.errors).toEqual([]);
  });

  test("a socket with the old cookie opens it, and both go on with it", async () => {
    const store = await newStore();
    const { browser, idOf } = await loggedInBefore(store);
    const { rig } = await today(store);
    const client = rig.client({ extraHeaders: { cookie: browser.cookie } });
    await next(client, "connect");
    const { session } = serverSideOf(rig.io, client);
    expect(session.id).toBe(idOf(browser));
    expect(session.toJSON()).toEqual(VALUES);
    await session.set("cart", [1]);
    const tab = new CookieClient(rig.url, browser.cookie);
    expect((await tab.get("/")).body).toEqual({ ...VALUES, cart: [1] });
  });

  test("a socket that presents the bare id opens it, with legacyTokens", async () => {
    const store = await newStore();
    const { browser, sidOf, idOf } = await loggedInBefore(store);
    const { rig } = await today(store);
    const answers = await Promise.all(
      [1, 2, 3].map(() => gotToken(rig.client({ auth: { token: sidOf(browser) } }))),
    );
    expect(answers.map(({ errors, created }) => [errors, created])).toEqual(Array(3).fill(["", false]));
    expect((await rig.sessions.find(idOf(browser)))?.toJSON()).toEqual(VALUES);
  });

  test("nobody opens a session by what may be known of it: its public id", async () => {
    const store = await newStore();
    const { rig } = await today(store);
    const { id, session } = await rig.connect();
    await session.set("n", 1);
    const answer = await gotToken(rig.client({ auth: { token: id } }));
    expect(answer).toMatchObject({ errors: "Session Not Found", created: true });
    expect((await rowIn(store, id))?.["data"]).toBe('{"n":1}');
    expect(session.active).toBe(true);
  });

  test("one that ended here does not come back by its old cookie", async () => {
    const store = await newStore();
    const { browser, sidOf, idOf } = await loggedInBefore(store);
    const { rig } = await today(store);
    const tab = new CookieClient(rig.url, browser.cookie);
    await tab.get("/");
    await rig.sessions.destroy(idOf(browser));
    expect((await tab.get("/")).body).toEqual({});
    expect(await gotToken(rig.client({ auth: { token: sidOf(browser) } }))).toMatchObject({
      errors: "Session Not Found",
    });
  });
}

test("an answer that was lost on the way is made good: the record is taken over once, and whole", async () => {
  class Interrupted extends MemoryStore {
    failures = 1;
    override destroy(sid: string, done?: (error?: unknown) => void): void {
      if (this.failures-- > 0) done?.(new Error("lost"));
      else super.destroy(sid, done);
    }
  }
  const store = new Interrupted();
  const { browser, sidOf } = await loggedInBefore(store);
  const { rig } = await today(store);
  expect(await gotToken(rig.client({ auth: { token: sidOf(browser) } }))).toMatchObject({ errors: "" });
  expect(await recordOf(store, sidOf(browser))).toBeUndefined();
});

test("one whose taking over was interrupted is taken over by the next try, and then does not come back either", async () => {
  for (const kept of ["old record", "begun one"] as const) {
    const store = new MemoryStore();
    const { browser, sidOf, idOf } = await loggedInBefore(store);
    const destroy = store.destroy.bind(store);
    // Out of reach from the moment on when the old record is to go, or has just gone.
    const lost = (done?: (error?: unknown) => void) =>
      done?.(Object.assign(new Error(), { code: "ECONNREFUSED" }));
    store.destroy = (sid, done) => {
      Object.assign(store, { get: (_: string, back: () => void) => lost(back), set: lost, destroy: lost });
      if (kept === "old record") lost(done);
      else destroy(sid, () => lost(done));
    };
    const rig = await started({ store: fromConnectStore(store), storeTimeout: 1 });
    const { store: sessions } = addExpressApp(rig, routes);
    expect(await outcome(sessions.get(sidOf(browser)))).toBe("SESSION_STORE_UNAVAILABLE");
    for (const method of ["get", "set", "destroy"])
      delete (store as unknown as Record<string, unknown>)[method];
    // Nobody opens it by its public id meanwhile.
    expect(await sessions.get(idOf(browser))).toBeNull();
    expect(await sessions.get(sidOf(browser))).toMatchObject(VALUES);
    await rig.sessions.destroy(idOf(browser));
    expect(await sessions.get(sidOf(browser))).toBeNull();
  }
});
