import { expect, test } from "@jest/globals";
import { RESERVED_KEY } from "../../../src/store.js";
import { cookieRow } from "../../support/http/cookie-client.js";
import { called } from "../../support/http/express-app.js";
import { expressSessions } from "../../support/http/express-sessions.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// express-session on our table, over real HTTP, beside the library's own handles of the same session.

const nodes = useNodes();

const { app, found, valuesOf } = expressSessions(nodes);

test("what a request sets is there for the next one, and for a handle; and the other way round", async () => {
  const { node, client, idOf } = await app({
    "/set": (session) => {
      session["user"] = { name: "Ada", roles: ["admin"] };
    },
  });
  const started = next(node.sessions, "sessionStart");
  const browser = client();
  expect((await browser.get("/set")).status).toBe(200);
  const id = idOf(browser);
  expect(await started).toEqual([{ sessionId: id, client: null }]);
  expect(await cookieRow(nodes, id)).toEqual({
    values: { user: { name: "Ada", roles: ["admin"] } },
    entry: { originalMaxAge: null, expires: null, httpOnly: true, path: "/" },
  });
  const handle = await found(node.sessions.find(id));
  expect(handle.toJSON()).toEqual({ user: { name: "Ada", roles: ["admin"] } });
  expect([handle.get(RESERVED_KEY), handle.has(RESERVED_KEY)]).toEqual(["", false]);
  await handle.set("cart", ["socket"]);
  expect((await browser.get("/")).body).toEqual({
    user: { name: "Ada", roles: ["admin"] },
    cart: ["socket"],
  });
});

test("two requests at once and a handle in between: each keeps the others' keys", async () => {
  const [first, second] = [gate(), gate()];
  let arrived = 0;
  const both = gate();
  const meet = () => ++arrived === 2 && both.open();
  const { node, client, idOf, errors } = await app({
    "/begin": (session) => Object.assign(session, { a: 0, b: 0, gone: 1, nested: { x: 1 } }) && null,
    "/a": async (session) => {
      session["a"] = 1;
      meet();
      await first.opened;
    },
    "/b": async (session) => {
      session["b"] = 1;
      delete session["gone"];
      (session["nested"] as { x: number }).x = 2;
      meet();
      await second.opened;
    },
  });
  const browser = client();
  await browser.get("/begin");
  const requests = [browser.another().get("/a"), browser.another().get("/b")] as const;
  await both.opened;
  const handle = await found(node.sessions.find(idOf(browser)));
  await handle.set("c", 1);
  second.open();
  expect((await requests[1]).status).toBe(200);
  first.open();
  expect((await requests[0]).status).toBe(200);
  expect(await valuesOf(idOf(browser))).toEqual({ a: 1, b: 1, c: 1, nested: { x: 2 } });
  expect(errors).toEqual([]);
});

test("of requests that change one key the last to save wins, and loses nobody's other keys", async () => {
  const waiting = Array.from({ length: 5 }, gate);
  let arrived = 0;
  const all = gate();
  const { client, idOf } = await app({
    "/begin": (session) => {
      session["n"] = 0;
    },
    "/add": async (session, { query }) => {
      const n = Number(query["n"]);
      session["n"] = Number(session["n"]) + 1;
      session[`mine${n}`] = n;
      if (++arrived === waiting.length) all.open();
      await waiting[n]?.opened;
    },
  });
  const browser = client();
  await browser.get("/begin");
  const requests = waiting.map((_, n) => browser.another().get(`/add?n=${n}`));
  await all.opened;
  for (const [n, { open }] of waiting.entries()) {
    open();
    await requests[n];
  }
  const mine = Object.fromEntries(waiting.map((_, n) => [`mine${n}`, n]));
  expect(await valuesOf(idOf(browser))).toEqual({ n: 1, ...mine });
});

test("clearSession on a handle takes no later request down: the cookie's settings stay", async () => {
  const { node, client, idOf, errors } = await app({
    "/set": (session) => {
      session["n"] = 1;
    },
  });
  const browser = client();
  await browser.get("/set");
  const handle = await found(node.sessions.find(idOf(browser)));
  await handle.clearSession();
  expect(await valuesOf(idOf(browser))).toEqual({});
  expect(await browser.get("/")).toEqual({ status: 200, body: {} });
  expect((await browser.get("/set")).status).toBe(200);
  expect(await valuesOf(idOf(browser))).toEqual({ n: 1 });
  for (const change of [
    handle.set(RESERVED_KEY as never, "{}" as never),
    handle.delete(RESERVED_KEY as never),
    handle.set({ [RESERVED_KEY]: 1, n: 2 }),
    handle.update((draft) => {
      draft[RESERVED_KEY] = 1;
    }),
  ])
    expect(await outcome(change)).toBe("SESSION_VALUE_INVALID");
  expect(await valuesOf(idOf(browser))).toEqual({ n: 1 });
  expect(errors).toEqual([]);
});

test("a request that goes on after its session was destroyed elsewhere writes nothing, and is no error", async () => {
  const [entered, go] = [gate(), gate()];
  const { node, client, idOf, errors } = await app({
    "/set": (session) => {
      session["n"] = 1;
    },
    "/slow": async (session) => {
      session["n"] = 2;
      entered.open();
      await go.opened;
    },
  });
  const browser = client();
  await browser.get("/set");
  const id = idOf(browser);
  const slow = browser.another().get("/slow");
  await entered.opened;
  await node.sessions.destroy(id);
  go.open();
  expect((await slow).status).toBe(200);
  expect(await nodes.row(id)).toBeUndefined();
  expect((await browser.get("/")).body).toEqual({});
  expect(errors).toEqual([]);
});

test("likewise one whose session has expired meanwhile", async () => {
  const [entered, go] = [gate(), gate()];
  const { client, idOf } = await app({
    "/set": (session) => {
      session["n"] = 1;
    },
    "/slow": async (session) => {
      session["n"] = 2;
      entered.open();
      await go.opened;
    },
  });
  const browser = client();
  await browser.get("/set");
  const slow = browser.another().get("/slow");
  await entered.opened;
  await nodes.database.pool.query("update session set expires = unix_timestamp() - 1");
  go.open();
  expect((await slow).status).toBe(200);
  expect(await valuesOf(idOf(browser))).toEqual({ n: 1 });
});

test("req.session: save, reload, touch, regenerate and destroy", async () => {
  const { node, client, idOf } = await app({
    "/save": async (session) => {
      session["n"] = 1;
      await called((done) => session.save(done));
      session["m"] = 1;
    },
    "/reload": async (session, request) => {
      await (await found(node.sessions.find(idOf(browser)))).set("theirs", 1);
      session["n"] = "not saved";
      await called((done) => session.reload(done));
      (request.session as unknown as Record<string, unknown>)["mine"] = 1;
      return [session === request.session, { ...request.session, cookie: undefined }];
    },
    "/regenerate": async (session, request) => {
      await called((done) => session.regenerate(done));
      Object.assign(request.session, { fresh: 1 });
    },
    "/destroy": async (session) => {
      await called((done) => session.destroy(done));
    },
  });
  const browser = client();
  await browser.get("/save");
  const id = idOf(browser);
  expect(await valuesOf(id)).toEqual({ n: 1, m: 1 });
  expect((await browser.get("/reload")).body).toEqual([false, { n: 1, m: 1, theirs: 1, mine: 1 }]);
  expect(await valuesOf(id)).toEqual({ n: 1, m: 1, theirs: 1, mine: 1 });
  await browser.get("/regenerate");
  expect(await nodes.row(id)).toBeUndefined();
  const second = idOf(browser);
  expect([second === id, await valuesOf(second)]).toEqual([false, { fresh: 1 }]);
  const ended = next(node.sessions, "sessionEnd");
  await browser.get("/destroy");
  expect(await ended).toEqual([{ sessionId: second, reason: "destroyed" }]);
  expect(await nodes.row(second)).toBeUndefined();
});

test('resave, saveUninitialized, rolling and unset: "destroy"', async () => {
  const { client, idOf, errors } = await app(
    {
      "/set": (session) => {
        session["n"] = 1;
      },
      "/unset": (_, request) => {
        delete (request as { session?: unknown }).session;
      },
    },
    { resave: true, saveUninitialized: true, rolling: true, unset: "destroy", cookie: { maxAge: 60_000 } },
  );
  const browser = client();
  await browser.get("/");
  const id = idOf(browser);
  expect(await valuesOf(id)).toEqual({});
  const { revision } = (await nodes.row(id)) ?? {};
  browser.setCookie = "";
  await browser.get("/");
  expect(browser.setCookie).toMatch(/Expires=/);
  // Saved again, but nothing was changed.
  expect((await nodes.row(id))?.revision).toBe(revision);
  await browser.get("/set");
  expect(await valuesOf(id)).toEqual({ n: 1 });
  await browser.get("/unset");
  expect(await nodes.row(id)).toBeUndefined();
  expect(errors).toEqual([]);
});

test("saveUninitialized: false leaves no row behind where nothing was set", async () => {
  const { client } = await app({});
  const browser = client();
  await browser.get("/");
  expect(browser.cookie).toBe("");
});
