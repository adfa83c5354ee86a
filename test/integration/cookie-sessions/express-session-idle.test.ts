import { expect, test } from "@jest/globals";
import type { SessionOptions } from "express-session";
import { lifeOf } from "../../support/http/cookie-client.js";
import { addExpressApp, called, type Routes } from "../../support/http/express-app.js";
import { gate, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// The cookie's maxAge is the session's idle time.

const nodes = useNodes();
const MINUTE = 60_000;

async function app(routes: Routes, options: Partial<SessionOptions> = {}) {
  const node = await nodes.node({ options: { expiration: 1000, absoluteExpiration: 5000, touchEvery: 200 } });
  return { node, ...addExpressApp(node, { "/": () => null, ...routes }, options) };
}

const setting: Routes = {
  "/set": (session) => {
    session["n"] = Number(session["n"] ?? 0) + 1;
  },
  "/remember": (session, { query }) => {
    session.cookie.maxAge = Number(query["minutes"]) * MINUTE;
  },
  "/browser": (session) => {
    session.cookie.expires = null as never;
  },
  "/cookie": ({ cookie }) => ({ originalMaxAge: cookie.originalMaxAge, expires: cookie.expires }),
};

/** How long a session of this idle time lives unless it is used; 1000 seconds without one. */
function lifeFor(idleSeconds: number): number {
  return idleSeconds + Math.min(200, Math.ceil(idleSeconds / 4));
}

function expectNear(left: number, seconds: number): void {
  expect(left).toBeGreaterThanOrEqual(seconds - 3);
  expect(left).toBeLessThanOrEqual(seconds);
}

test("without maxAge the option expiration is the idle time", async () => {
  const { client, idOf } = await app(setting);
  const browser = client();
  await browser.get("/set");
  const { idleSeconds, left } = await lifeOf(nodes, idOf(browser));
  expect(idleSeconds).toBeNull();
  expectNear(left, lifeFor(1000));
});

test("maxAge is, from the first save on, and not beyond the absolute end", async () => {
  for (const [maxAge, idleSeconds, seconds] of [
    [MINUTE, 60, lifeFor(60)],
    [1_500, 2, lifeFor(2)],
    [100 * MINUTE, 6000, 5000],
    [1000 * 365 * 24 * 60 * MINUTE, 2_147_483_647, 5000],
  ] as const) {
    const { client, idOf } = await app(setting, { cookie: { maxAge } });
    const browser = client();
    await browser.get("/set");
    const life = await lifeOf(nodes, idOf(browser));
    expect(life.idleSeconds).toBe(idleSeconds);
    expectNear(life.left, seconds);
  }
});

test("a request that changes it moves the end at once, also to an earlier time, and handles show that", async () => {
  const { node, client, idOf } = await app(setting);
  const browser = client();
  await browser.get("/set");
  const id = idOf(browser);
  const handle = await node.sessions.find(id);
  for (const minutes of [50, 1]) {
    // Nothing else is changed: express-session touches.
    await browser.get(`/remember?minutes=${minutes}`);
    const { idleSeconds, left } = await lifeOf(nodes, id);
    expect(idleSeconds).toBe(minutes * 60);
    expectNear(left, lifeFor(minutes * 60));
    await handle?.reload();
    const [row] = await nodes.database.rows<{ expires: number }>(
      "select expires from session where sessionId = ?",
      [id],
    );
    expect(handle?.expiresAt).toBe(row?.expires);
  }
  await browser.get("/browser");
  const { idleSeconds, left } = await lifeOf(nodes, id);
  expect(idleSeconds).toBeNull();
  expectNear(left, lifeFor(1000));
  expect((await nodes.row(id))?.data).toMatchObject({ n: 1 });
});

test("a handle that has the session open shows the new end without reading", async () => {
  const { node, client, idOf } = await app(setting);
  const browser = client();
  await browser.get("/set");
  const handle = await node.sessions.find(idOf(browser));
  // Its object of the session is the one that the request finds as long as a change is under way.
  const before = handle?.expiresAt ?? 0;
  await Promise.all([handle?.set("x", 1), browser.get("/remember?minutes=1")]);
  await handle?.set("y", 1);
  const { left } = await lifeOf(nodes, idOf(browser));
  expectNear(left, lifeFor(60));
  expect(handle?.expiresAt).toBeLessThan(before);
});

test("each use prolongs by it, a short one often enough; a request that uses it only reads the row", async () => {
  const { client, idOf } = await app(setting, { cookie: { maxAge: MINUTE } });
  const browser = client();
  await browser.get("/set");
  const id = idOf(browser);
  const { revision } = (await nodes.row(id)) ?? {};
  // Less than touchEvery, which is meant for the others' idle time.
  await nodes.database.pool.query("update session set expires = unix_timestamp() + 40 where sessionId = ?", [
    id,
  ]);
  await browser.get("/");
  await browser.get("/");
  expectNear((await lifeOf(nodes, id)).left, lifeFor(60));
  expect((await nodes.row(id))?.revision).toBe(revision);
});

test("req.session.cookie tells the row's own end, and its settings come back as they were", async () => {
  const { client, idOf } = await app(setting, { cookie: { maxAge: MINUTE } });
  const browser = client();
  await browser.get("/set");
  const [row] = await nodes.database.rows<{ expires: number; data: string }>(
    "select expires, data from session where sessionId = ?",
    [idOf(browser)],
  );
  // express-session reads the machine's clock twice, and so saves a few milliseconds less now and then.
  const saved = Number(row?.data.match(/"originalMaxAge":(\d+)/)?.[1]);
  expect(Math.ceil(saved / 1000) * 1000).toBe(MINUTE);
  expect((await browser.get("/cookie")).body).toEqual({
    originalMaxAge: saved,
    expires: new Date((row?.expires ?? 0) * 1000).toISOString(),
  });
});

test("expired: the next request gets a new session, and the id may be used again", async () => {
  const genid = () => "the id of one device";
  const { node, client, idOf } = await app(
    { ...setting, "/save": (session) => called((done) => session.save(done)) },
    { genid, cookie: { maxAge: MINUTE } },
  );
  const browser = client();
  await browser.get("/set");
  await browser.get("/set");
  const id = idOf(browser);
  expect((await nodes.row(id))?.data).toMatchObject({ n: 2 });
  await nodes.database.pool.query("update session set expires = unix_timestamp() - 1 where sessionId = ?", [
    id,
  ]);
  const invalid = next(node.sessions, "sessionInvalid");
  await browser.get("/set");
  expect(await invalid).toEqual([{ sessionId: id, reason: "expired" }]);
  expect((await nodes.row(id))?.data).toMatchObject({ n: 1 });
  expectNear((await lifeOf(nodes, id)).left, lifeFor(60));
});

test("a millisecond that express-session's arithmetic has lost is no change: what another request has set stays", async () => {
  const [entered, go] = [gate(), gate()];
  const { client, idOf } = await app(
    {
      ...setting,
      "/slow": async (session) => {
        entered.open();
        await go.opened;
        session.cookie.originalMaxAge = Number(session.cookie.originalMaxAge) - 1;
        session["n"] = "slow";
      },
    },
    { cookie: { maxAge: MINUTE } },
  );
  const browser = client();
  await browser.get("/set");
  const slow = browser.another().get("/slow");
  await entered.opened;
  await browser.another().get("/remember?minutes=10");
  go.open();
  await slow;
  expect((await nodes.row(idOf(browser)))?.data).toMatchObject({ n: "slow" });
  expect((await lifeOf(nodes, idOf(browser))).idleSeconds).toBe(600);
});
