import { expect, test } from "@jest/globals";
import { Cookie } from "express-session";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { RESERVED_KEY } from "../../../src/store.js";
import { cookieRow } from "../../support/http/cookie-client.js";
import { addExpressApp, called } from "../../support/http/express-app.js";
import { expressSessions } from "../../support/http/express-sessions.js";
import { useNodes } from "../../support/servers/nodes.js";

// express-session on our table: what must not be saved, lost or told.

const nodes = useNodes();

const { app, found, valuesOf } = expressSessions(nodes);

test("the cookie's id is nowhere in the table", async () => {
  const { client, idOf, sidOf } = await app({
    "/set": (session) => {
      session["n"] = Number(session["n"] ?? 0) + 1;
    },
  });
  const browser = client();
  for (let n = 0; n < 3; n++) await browser.get("/set");
  const sid = sidOf(browser);
  expect(sid).toHaveLength(32);
  const rows = await nodes.database.rows("select * from session where sessionId = ?", [idOf(browser)]);
  expect(rows).toHaveLength(1);
  const all = await nodes.database.rows("select * from session");
  const forms = [sid, Buffer.from(sid).toString("hex"), Buffer.from(sid, "base64url").toString("hex")];
  for (const row of all)
    for (const [column, value] of Object.entries(row)) {
      const text = Buffer.isBuffer(value) ? value.toString("latin1") + value.toString("hex") : String(value);
      expect([column, forms.filter((form) => text.includes(form))]).toEqual([column, []]);
    }
});

test("a value that JSON cannot hold fails the save, and nothing of it is written", async () => {
  const { client, idOf, node, errors } = await app({
    "/set": (session) => {
      session["n"] = 1;
    },
    "/wrong": async (session) => {
      Object.assign(session, { n: 2, bad: { at: new Map() } });
      await called((done) => session.save(done));
    },
    "/large": async (session) => {
      Object.assign(session, { n: 3, large: "x".repeat(70_000) });
      await called((done) => session.save(done));
    },
  });
  const browser = client();
  await browser.get("/set");
  expect(await browser.get("/wrong")).toEqual({ status: 500, body: "SESSION_VALUE_INVALID" });
  expect(await browser.get("/large")).toEqual({ status: 500, body: "SESSION_TOO_LARGE" });
  expect(await valuesOf(idOf(browser))).toEqual({ n: 1 });
  expect(errors.map(({ code }) => code)).toContain("SESSION_TOO_LARGE");
  expect(node.log.text).not.toContain("xxxxx");
});

test("names that express-session keeps for itself stay as a socket set them", async () => {
  const { node, client, idOf } = await app({
    "/set": (session) => {
      session["n"] = Number(session["n"] ?? 0) + 1;
    },
  });
  const browser = client();
  await browser.get("/set");
  const handle = await found(node.sessions.find(idOf(browser)));
  const odd = { save: 1, id: 2, touch: 3, cookie: "mine", constructor: 4 };
  await handle.set(odd as never);
  await browser.get("/set");
  expect(await valuesOf(idOf(browser))).toEqual({ n: 2, ...odd });
});

test("an unreachable database is an error, never a new session", async () => {
  const node = await nodes.node({ options: { storeTimeout: 1 } });
  const { client, idOf } = addExpressApp(node, {
    "/set": (session) => {
      session["n"] = 1;
    },
  });
  const browser = client();
  await browser.get("/set");
  const { cookie } = browser;
  await node.proxy.down();
  expect(await browser.get("/set")).toEqual({ status: 500, body: "SESSION_STORE_UNAVAILABLE" });
  await node.proxy.up();
  expect(browser.cookie).toBe(cookie);
  expect(await valuesOf(idOf(browser))).toEqual({ n: 1 });
});

test("a first save whose row is there is not told as one that wrote nothing, where the database goes then", async () => {
  const node = await nodes.node({ options: { storeTimeout: 1 } });
  const store = new ConnectStore(node.sessions);
  const sid = "a cookie that two requests come with";
  const held = node.proxy.hold("from `session`");
  // Another request looks for the session meanwhile: the save has to wait for what comes of that.
  const reading = store.get(sid).catch(({ code }) => code);
  await held;
  const begun = new Promise((resolve) => node.sessions.once("sessionStart", resolve));
  const saving = store.set(sid, { cookie: new Cookie(), n: 1 } as never).then(
    () => "",
    ({ code }) => code,
  );
  await begun;
  await node.proxy.down();
  expect(await saving).toBe("SESSION_WRITE_UNCERTAIN");
  expect(await reading).toBe("SESSION_STORE_UNAVAILABLE");
  await node.proxy.up();
  expect(await valuesOf(store.idOf(sid))).toEqual({ n: 1 });
});

test("a cookie's entry that somebody has spoilt by hand takes no request down, and is mended by the next save", async () => {
  const { client, idOf, errors } = await app(
    {
      "/set": (session, { query }) => {
        session["n"] = Number(session["n"] ?? 0) + 1;
        if (query["maxAge"]) session.cookie.maxAge = Number(query["maxAge"]);
      },
    },
    { cookie: { maxAge: 60_000 } },
  );
  for (const entry of ['{"originalMaxAge":"x"}', '{"originalMaxAge":{}}', "{}", '"x"', "5", "null", "[]"]) {
    const browser = client();
    await browser.get("/set");
    const data = `{"n":1,${JSON.stringify(RESERVED_KEY)}:${entry}}`;
    await nodes.database.pool.query(
      "update session set data = ?, revision = revision + 1 where sessionId = ?",
      [data, idOf(browser)],
    );
    expect((await browser.get("/set")).status).toBe(200);
    expect((await browser.get("/set?maxAge=70000")).status).toBe(200);
    const row = await cookieRow(nodes, idOf(browser));
    expect(row).toMatchObject({ values: { n: 3 }, entry: { path: "/" } });
    // express-session reads the machine's clock twice, and so saves a few milliseconds less now and then.
    const saved = row?.entry as { originalMaxAge: number } | undefined;
    expect(Math.ceil((saved?.originalMaxAge ?? 0) / 1000)).toBe(70);
  }
  expect(errors).toEqual([]);
});
