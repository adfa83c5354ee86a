import { expect, test } from "@jest/globals";
import { fromCookie, fromKoaCookie } from "../../../src/index.js";
import { type CookieClient, cookieRow, lifeOf } from "../../support/http/cookie-client.js";
import { addExpressApp, called, type Routes } from "../../support/http/express-app.js";
import { addKoaApp } from "../../support/http/koa-app.js";
import { gate, type Node, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { ask, next } from "../../support/servers/server.js";

// A page's requests and its sockets, by one cookie: express-session or koa-session and Socket.IO on one row.

const nodes = useNodes();

/** A server whose sockets set values for their clients. */
function cookieNode(identify: ReturnType<typeof fromCookie>): Promise<Node> {
  return nodes.node({
    options: { identify },
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.on("set", (key: string, value: unknown, done: () => void) =>
          socket.session.set(key, value).then(done),
        );
        socket.on("clear", (done: () => void) => socket.session.clearSession().then(done));
      }),
  });
}

async function socketOf(node: Node, { cookie }: CookieClient) {
  const client = node.client({ extraHeaders: { cookie } });
  await next(client, "connect");
  return { client, session: serverSideOf(node.io, client).session };
}

async function expressNode(routes: Routes) {
  const node = await cookieNode(fromCookie({ secret: "cat" }));
  return { node, ...addExpressApp(node, routes) };
}

async function valuesOf(id: string): Promise<Record<string, unknown> | undefined> {
  return (await cookieRow(nodes, id))?.values;
}

test("two requests at once and a socket between them: nobody loses anything", async () => {
  const [first, second, both] = [gate(), gate(), gate()];
  let arrived = 0;
  const meet = () => ++arrived === 2 && both.open();
  const { node, client, idOf } = await expressNode({
    "/begin": (session) => {
      session["passport"] = { user: { id: 7 } };
    },
    "/a": async (session) => {
      session["a"] = 1;
      meet();
      await first.opened;
    },
    "/b": async (session) => {
      session["b"] = 1;
      meet();
      await second.opened;
    },
    "/all": (session) => ({ ...session, cookie: undefined }),
  });
  const browser = client();
  await browser.get("/begin");
  const socket = await socketOf(node, browser);
  expect([socket.session.id, socket.session.toJSON()]).toEqual([
    idOf(browser),
    { passport: { user: { id: 7 } } },
  ]);
  const requests = [browser.another().get("/a"), browser.another().get("/b")];
  await both.opened;
  await ask(socket.client, "set", "c", 1);
  second.open();
  await requests[1];
  // The request has been answered, so its socket sees it.
  expect(socket.session.toJSON()).toEqual({ passport: { user: { id: 7 } }, b: 1, c: 1 });
  first.open();
  await requests[0];
  const all = { passport: { user: { id: 7 } }, a: 1, b: 1, c: 1 };
  expect(socket.session.toJSON()).toEqual(all);
  expect(await valuesOf(idOf(browser))).toEqual(all);
  expect((await browser.get("/all")).body).toEqual(all);
});

test("likewise on two servers that do not hear of each other", async () => {
  const [entered, go] = [gate(), gate()];
  const routes: Routes = {
    "/begin": (session) => Object.assign(session, { n: 0, gone: 1 }) && null,
    "/slow": async (session) => {
      session["slow"] = 1;
      delete session["gone"];
      entered.open();
      await go.opened;
    },
    "/quick": (session) => {
      session["n"] = 1;
      session.cookie.maxAge = 60_000;
    },
  };
  const [here, there] = [await expressNode(routes), await expressNode(routes)];
  const browser = here.client();
  await browser.get("/begin");
  const socket = await socketOf(there.node, browser);
  const slow = browser.another().get("/slow");
  await entered.opened;
  const elsewhere = there.client();
  elsewhere.cookie = browser.cookie;
  await elsewhere.get("/quick");
  await ask(socket.client, "set", "c", 1);
  go.open();
  await slow;
  expect(await valuesOf(here.idOf(browser))).toEqual({ n: 1, slow: 1, c: 1 });
  // The other request's idle time is not taken back either.
  expect((await lifeOf(nodes, here.idOf(browser))).idleSeconds).toBe(60);
});

test("a page that clears its session on the socket goes on with the same session over HTTP", async () => {
  const { node, client, idOf, errors } = await expressNode({
    "/set": (session) => {
      session["n"] = Number(session["n"] ?? 0) + 1;
    },
  });
  const browser = client();
  await browser.get("/set");
  const socket = await socketOf(node, browser);
  await ask(socket.client, "clear");
  expect((await browser.get("/set")).status).toBe(200);
  expect(await valuesOf(idOf(browser))).toEqual({ n: 1 });
  expect(errors).toEqual([]);
});

test("logging out over HTTP tells and disconnects the sockets; ending it on a socket ends it for HTTP", async () => {
  const { node, client, idOf } = await expressNode({
    "/set": (session) => {
      session["n"] = 1;
    },
    "/logout": (session) => called((done) => session.destroy(done)),
    "/n": (session) => session["n"] ?? "none",
  });
  const browser = client();
  await browser.get("/set");
  const socket = await socketOf(node, browser);
  const [told, cut] = [next(socket.client, "sessionEnd"), next(socket.client, "disconnect")];
  await browser.get("/logout");
  expect(await told).toEqual([{ reason: "destroyed" }]);
  expect((await cut)[0]).toBe("io server disconnect");
  expect(socket.session.active).toBe(false);

  await browser.get("/set");
  const another = await socketOf(node, browser);
  await another.session.destroy();
  expect((await browser.get("/n")).body).toBe("none");
  expect(await nodes.row(idOf(browser))).toBeUndefined();
});

test("koa-session's likewise", async () => {
  const node = await cookieNode(fromKoaCookie({ keys: ["cat"] }));
  const { client, idOf } = addKoaApp(node, {
    "/set": ({ session }) => {
      session["n"] = Number(session["n"] ?? 0) + 1;
    },
    "/end": (context) => {
      (context as { session: unknown }).session = null;
    },
  });
  const browser = client();
  await browser.get("/set");
  const socket = await socketOf(node, browser);
  expect([socket.session.id, socket.session.toJSON()]).toEqual([idOf(browser), { n: 1 }]);
  await ask(socket.client, "set", "theirs", 1);
  await browser.get("/set");
  expect(socket.session.toJSON()).toEqual({ n: 2, theirs: 1 });
  const told = next(socket.client, "sessionEnd");
  await browser.get("/end");
  expect(await told).toEqual([{ reason: "destroyed" }]);
});
