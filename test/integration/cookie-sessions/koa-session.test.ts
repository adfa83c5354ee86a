import { expect, test } from "@jest/globals";
import { RESERVED_KEY } from "../../../src/store.js";
import { opaqueToken } from "../../../src/token/opaque.js";
import { cookieRow, lifeOf } from "../../support/http/cookie-client.js";
import { addKoaApp, type KoaRoutes } from "../../support/http/koa-app.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// koa-session on our table, over real HTTP, beside the library's own handles of the same session.

const nodes = useNodes();
const MINUTE = 60_000;

const setting: KoaRoutes = {
  "/": ({ session }) => ({ ...session }),
  "/set": ({ session }) => {
    session["n"] = Number(session["n"] ?? 0) + 1;
  },
};

async function app(routes: KoaRoutes = {}, options: Parameters<typeof addKoaApp>[2] = {}) {
  const node = await nodes.node({ options: { storeTimeout: 1 } });
  const koa = addKoaApp(node, { ...setting, ...routes }, options);
  return { node, ...koa };
}

const rowOf = (id: string) =>
  cookieRow(nodes, id) as Promise<{ values: object; entry: Record<string, unknown> } | undefined>;

test("what a request sets is there for the next one and for a handle, and koa-session's own entries are no values", async () => {
  const { node, client, idOf } = await app({
    "/user": ({ session }) => {
      session["user"] = { name: "Ada" };
    },
  });
  const started = next(node.sessions, "sessionStart");
  const browser = client();
  await browser.get("/user");
  const id = idOf(browser);
  expect(await started).toEqual([{ sessionId: id, client: null }]);
  const row = await rowOf(id);
  expect(row?.values).toEqual({ user: { name: "Ada" } });
  expect(row?.entry).toEqual({ _expire: expect.any(Number), _maxAge: 86_400_000 });
  const handle = await node.sessions.find(id);
  expect(handle?.toJSON()).toEqual({ user: { name: "Ada" } });
  await handle?.clearSession();
  await handle?.set("n", 5);
  await browser.get("/set");
  expect((await rowOf(id))?.values).toEqual({ n: 6 });
});

test("two requests at once and a handle in between: each keeps the others' keys", async () => {
  const [first, second, both] = [gate(), gate(), gate()];
  let arrived = 0;
  const meet = () => ++arrived === 2 && both.open();
  const { node, client, idOf } = await app({
    "/begin": ({ session }) => {
      Object.assign(session, { a: 0, b: 0, gone: 1 });
    },
    "/a": async ({ session }) => {
      session["a"] = 1;
      meet();
      await first.opened;
    },
    "/b": async ({ session }) => {
      session["b"] = 1;
      delete session["gone"];
      meet();
      await second.opened;
    },
  });
  const browser = client();
  await browser.get("/begin");
  const requests = [browser.another().get("/a"), browser.another().get("/b")] as const;
  await both.opened;
  await (await node.sessions.find(idOf(browser)))?.set("c", 1);
  second.open();
  await requests[1];
  first.open();
  await requests[0];
  expect((await rowOf(idOf(browser)))?.values).toEqual({ a: 1, b: 1, c: 1 });
});

test("replaced as a whole, saved by hand, regenerated, ended", async () => {
  const { node, client, idOf, errors } = await app({
    "/replace": (context) => {
      (context as { session: unknown }).session = { only: 1 };
    },
    "/save": async ({ session }) => {
      session["early"] = 1;
      await session.save();
      delete session["only"];
      session["late"] = 1;
    },
    "/regenerate": async ({ session }) => {
      session["kept"] = 1;
      await session.regenerate();
    },
    "/end": (context) => {
      (context as { session: unknown }).session = null;
    },
  });
  const browser = client();
  await browser.get("/set");
  const id = idOf(browser);
  await browser.get("/replace");
  expect((await rowOf(id))?.values).toEqual({ only: 1 });
  await browser.get("/save");
  expect((await rowOf(id))?.values).toEqual({ early: 1, late: 1 });
  await browser.get("/regenerate");
  expect(await rowOf(id)).toBeUndefined();
  const second = idOf(browser);
  expect((await rowOf(second))?.values).toEqual({ early: 1, late: 1, kept: 1 });
  const ended = next(node.sessions, "sessionEnd");
  await browser.get("/end");
  expect(await ended).toEqual([{ sessionId: second, reason: "destroyed" }]);
  expect(await rowOf(second)).toBeUndefined();
  expect(errors).toEqual([]);
});

test("a request that goes on after its session was destroyed elsewhere writes nothing, and is no error", async () => {
  const [entered, go] = [gate(), gate()];
  const { node, client, idOf, errors } = await app({
    "/slow": async ({ session }) => {
      session["n"] = "slow";
      entered.open();
      await go.opened;
    },
  });
  const browser = client();
  await browser.get("/set");
  const slow = browser.another().get("/slow");
  await entered.opened;
  await node.sessions.destroy(idOf(browser));
  go.open();
  expect((await slow).status).toBe(200);
  expect(await rowOf(idOf(browser))).toBeUndefined();
  expect(errors).toEqual([]);
});

test("likewise one that regenerates it: what was over does not go on under another key", async () => {
  const [entered, go] = [gate(), gate()];
  const { node, client, idOf } = await app({
    "/slow": async ({ session }) => {
      entered.open();
      await go.opened;
      await session.regenerate();
      session["late"] = 1;
    },
  });
  const browser = client();
  await browser.get("/set");
  const [id, slow] = [idOf(browser), browser.get("/slow")];
  await entered.opened;
  await node.sessions.destroy(id);
  go.open();
  expect((await slow).status).toBe(200);
  expect([await rowOf(id), idOf(browser) === id, await rowOf(idOf(browser))]).toEqual([
    undefined,
    false,
    undefined,
  ]);
  await browser.get("/set");
  expect((await rowOf(idOf(browser)))?.values).toEqual({ n: 1 });
});

test("maxAge is the session's idle time, and may change; renewing saves it and leaves the values", async () => {
  const { node, client, idOf } = await app(
    {
      "/remember": ({ session }) => {
        session.maxAge = 10 * MINUTE;
      },
      "/browser": ({ session }) => {
        session.maxAge = "session";
      },
    },
    { maxAge: MINUTE, renew: true },
  );
  const browser = client();
  await browser.get("/set");
  const id = idOf(browser);
  // koa-session wants its store to outlast its cookie by ten seconds.
  expect((await lifeOf(nodes, id)).idleSeconds).toBe(70);
  await browser.get("/remember");
  const life = await lifeOf(nodes, id);
  expect(life.idleSeconds).toBe(610);
  expect(life.left).toBeGreaterThan(600);
  const before = (await rowOf(id))?.entry ?? {};
  await browser.get("/");
  expect((await rowOf(id))?.entry).toEqual(before);
  // So much of its time is over that koa-session renews it.
  const due = { ...before, _expire: Date.now() + 5 * MINUTE - 1000 };
  const data = JSON.stringify({ n: 1, [RESERVED_KEY]: due });
  await nodes.database.pool.query(
    "update session set data = ?, revision = revision + 1 where sessionId = ?",
    [data, id],
  );
  await browser.get("/");
  const renewed = await rowOf(id);
  expect(renewed?.entry["_expire"]).toBeGreaterThan(due._expire + 4 * MINUTE);
  expect(renewed?.values).toEqual({ n: 1 });
  await browser.get("/browser");
  expect([(await lifeOf(nodes, id)).idleSeconds, (await rowOf(id))?.entry]).toEqual([
    null,
    { _session: true },
  ]);
  expect((await node.sessions.find(id))?.toJSON()).toEqual({ n: 1 });
});

test("values that koa-session cannot hold stay as a socket set them", async () => {
  const { node, client, idOf } = await app({
    "/members": ({ session }) => [typeof session.save, session.maxAge, Object.keys(session)],
  });
  const browser = client();
  await browser.get("/set");
  const odd = { save: 1, maxAge: 5, length: 9, isNew: 1, _private: 1, _expire: 1, regenerate: 2 };
  await (await node.sessions.find(idOf(browser)))?.set(odd as never);
  expect((await browser.get("/members")).body).toEqual([
    "function",
    86_400_000,
    ["isNew", "_requireSave", "_expire", "n"],
  ]);
  await browser.get("/set");
  expect((await rowOf(idOf(browser)))?.values).toEqual({ n: 2, ...odd });
});

test("the cookie's key is nowhere in the table; what JSON cannot hold and an outage are errors", async () => {
  const { node, client, idOf, keyOf, errors } = await app({
    "/wrong": ({ session }) => {
      Object.assign(session, { n: 9, bad: [Number.NaN] });
    },
  });
  const browser = client();
  await browser.get("/set");
  await browser.get("/set");
  expect(keyOf(browser)).toHaveLength(36);
  const rows = await nodes.database.rows("select * from session");
  const text = JSON.stringify(rows.map((row) => Object.values(row).map(String)));
  for (const form of [keyOf(browser), keyOf(browser).replaceAll("-", "")]) expect(text).not.toContain(form);
  expect((await browser.another().get("/wrong")).status).toBe(500);
  const { cookie } = browser;
  await node.proxy.down();
  expect((await browser.get("/set")).status).toBe(500);
  await node.proxy.up();
  expect(errors.map(({ code }) => code)).toEqual(["SESSION_VALUE_INVALID", "SESSION_STORE_UNAVAILABLE"]);
  expect([browser.cookie, (await rowOf(idOf(browser)))?.values]).toEqual([cookie, { n: 2 }]);
});

test("called without a context: what get gave is what set is compared with; else all keys are set", async () => {
  const { node, store } = await app();
  await store.set("a", { kept: 1, gone: 1, _maxAge: MINUTE }, MINUTE);
  const read = (await store.get("a")) ?? {};
  expect(read).toEqual({ kept: 1, gone: 1, _maxAge: MINUTE });
  delete read["gone"];
  await (await node.sessions.find(opaqueToken("a").sessionId))?.set("theirs", 1);
  await store.set("a", read, MINUTE);
  expect(await store.get("a")).toMatchObject({ kept: 1, theirs: 1 });
  await store.set("a", { kept: 2 }, MINUTE);
  expect(await store.get("a")).toEqual({ kept: 2, theirs: 1 });
  await store.destroy("a");
  expect(await store.get("a")).toBeUndefined();
  expect(await outcome(store.destroy("a"))).toBe("resolved");
});

test("a request that has not changed maxAge leaves what another has made of it, and renews it for as long", async () => {
  const [entered, go] = [gate(), gate()];
  const { client, idOf } = await app(
    {
      "/slow": async ({ session }) => {
        session["n"] = "slow";
        entered.open();
        await go.opened;
      },
      "/remember": ({ session }) => {
        session.maxAge = 10 * MINUTE;
      },
    },
    { maxAge: MINUTE },
  );
  const browser = client();
  await browser.get("/set");
  const id = idOf(browser);
  const slow = browser.another().get("/slow");
  await entered.opened;
  await browser.another().get("/remember");
  const remembered = (await rowOf(id))?.entry ?? {};
  go.open();
  await slow;
  const row = await rowOf(id);
  expect(row?.values).toEqual({ n: "slow" });
  expect(row?.entry).toEqual({ _maxAge: 10 * MINUTE, _expire: expect.any(Number) });
  expect(row?.entry["_expire"]).toBeGreaterThanOrEqual(Number(remembered["_expire"]));
  expect((await lifeOf(nodes, id)).idleSeconds).toBe(610);
});
