import type { IncomingMessage, ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { build } from "esbuild";
import express from "express";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Socket } from "socket.io";
import { connectToBrowser, describeInBrowser } from "../../support/pages/browser.js";
import { newDevice } from "../../support/pages/demo-page.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";

const SECRET = "a secret of at least 32 characters";

describeInBrowser("a web build whose token is in an httpOnly cookie", () => {
  let browser: Browser;
  let script: string;
  const devices: Awaited<ReturnType<typeof newDevice>>[] = [];
  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: ["test/support/pages/cookie-page-script.ts"],
      bundle: true,
      write: false,
    });
    script = outputFiles[0]?.text ?? "";
    browser = await connectToBrowser();
  });
  afterEach(async () => {
    for (const { context, wrong } of devices.splice(0)) {
      await context.close();
      expect(wrong).toEqual([]);
    }
  });
  afterAll(() => browser?.close());
  const nodes = useNodes();
  beforeEach(() => nodes.database.pool.query("delete from session"));

  async function server(): Promise<Node> {
    const node = await nodes.node({
      options: { cookieSecret: SECRET },
      io: { cors: { origin: /localhost/ } },
    });
    node.io.on("connection", (socket: Socket) => {
      socket.on("set", (n, done) => socket.session.set("n", n).then(done));
      socket.on("get", (done) => done([socket.session.id, socket.session.get("n"), socket.session.userId]));
      socket.on("login", (userId, done) => socket.session.login(userId).then(done, ({ code }) => done(code)));
    });
    const app = express();
    app.get("/page.js", (_, response) => void response.type("js").send(script));
    app.get(
      "/",
      (_, response) =>
        void response.send('<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>'),
    );
    const elsewhere = `http://localhost:${node.port}`;
    app.use((request, response, next) => {
      if (request.headers.origin !== elsewhere) return next();
      response.set({ "Access-Control-Allow-Origin": elsewhere, "Access-Control-Allow-Credentials": "true" });
      next();
    });
    app.use(node.sessions.express({ cookie: { origins: [elsewhere] } }));
    app.get("/get", (request, response) => {
      const { session } = request as never as { session: Socket["session"] };
      response.json([session.id, session.get("n"), session.userId]);
    });
    app.post("/login", async (request, response) => {
      const { session } = request as never as { session: Socket["session"] };
      await session.login("over HTTP");
      response.json(session.userId);
    });
    node.io.httpServer.on("request", (request: IncomingMessage, response: ServerResponse) => {
      if (!request.url?.startsWith("/socket.io/")) app(request, response);
    });
    return node;
  }

  async function device(): Promise<BrowserContext> {
    const device = await newDevice(browser);
    devices.push(device);
    return device.context;
  }

  async function open(node: Node, context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    // By a name, and not by an address in figures: a Secure cookie is kept for localhost without https.
    await page.goto(`http://localhost:${node.port}/`);
    await page.evaluate(() => window.page.session.ready);
    return page;
  }

  const cookieOf = async (context: BrowserContext) =>
    (await context.cookies()).find(({ name }) => name === "session-token");
  const get = (page: Page) => page.evaluate(() => window.page.ask("get"));
  const errorsOf = (page: Page) => page.evaluate(() => window.page.errors);

  test("the session is the same over the socket, over HTTP and after a reload, and no script sees the token", async () => {
    const node = await server();
    const context = await device();
    const page = await open(node, context);
    await page.evaluate(() => window.page.ask("set", 7));
    const [id] = (await get(page)) as [string];
    expect(await page.evaluate(() => window.page.session.id)).toBe(id);
    const cookie = await cookieOf(context);
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: "Lax" });
    expect(cookie?.value.slice(0, 32)).toBe(id);
    expect(await page.evaluate(() => fetch("/get").then((answer) => answer.json()))).toEqual([id, 7, ""]);
    expect(
      await page.evaluate(() => window.page.session.fetch("/get").then((answer) => answer.json())),
    ).toEqual([id, 7, ""]);
    const secret = cookie?.value.slice(33) as string;
    const shown = await page.evaluate(() => [
      ...window.page.seen,
      document.cookie,
      JSON.stringify(localStorage),
    ]);
    expect(shown.join(" ")).not.toContain(secret);
    await page.reload();
    await page.evaluate(() => window.page.session.ready);
    expect(await get(page)).toEqual([id, 7, ""]);
    expect(await errorsOf(page)).toEqual([]);
  });

  test("a login over the socket changes the cookie, and then the old one is over", async () => {
    const node = await server();
    const context = await device();
    const page = await open(node, context);
    const before = (await cookieOf(context))?.value;
    expect(await page.evaluate(() => window.page.ask("login", "ada"))).toBeNull();
    const after = (await cookieOf(context))?.value;
    expect(after?.slice(0, 32)).toBe(before?.slice(0, 32));
    expect(after).not.toBe(before);
    expect((await get(page)) as unknown[]).toContain("ada");
    const old = await fetch(`${node.url}/get`, { headers: { cookie: `session-token=${before}` } });
    expect(await old.json()).toEqual([null, "", ""]);
    const shown = await page.evaluate(() => window.page.seen.join(" "));
    expect(shown).not.toContain(after?.slice(33));
    // A second one, by what the first has left.
    expect(await page.evaluate(() => window.page.ask("login", "eve"))).toBeNull();
    expect(await errorsOf(page)).toEqual([]);
  });

  test("a login over HTTP, and every tab goes on with the session", async () => {
    const node = await server();
    const context = await device();
    const [one, two] = [await open(node, context), await open(node, context)];
    const [id] = (await get(one)) as [string];
    expect(await get(two)).toEqual([id, "", ""]);
    expect(
      await one.evaluate(() => fetch("/login", { method: "POST" }).then((answer) => answer.json())),
    ).toBe("over HTTP");
    // Asked until it is so: nothing is told of the moment when a socket has presented the new token.
    for (const page of [one, two]) {
      let answer: unknown;
      do answer = await get(page);
      while (!(answer as unknown[]).includes("over HTTP"));
      expect(answer).toEqual([id, "", "over HTTP"]);
    }
  });

  test("a session that ends is followed by a new one; a page that forgets leaves no cookie", async () => {
    const node = await server();
    const context = await device();
    const page = await open(node, context);
    const [id] = (await get(page)) as [string];
    await node.sessions.destroy(id);
    await page.waitForFunction(
      (id) => window.page.session.state === "open" && window.page.session.id !== id,
      id,
    );
    expect((await cookieOf(context))?.value.slice(0, 32)).toBe(
      await page.evaluate(() => window.page.session.id),
    );
    const [second] = (await get(page)) as [string];
    await page.evaluate(() => window.page.session.forget());
    await page.waitForFunction(
      (id) => window.page.session.state === "open" && window.page.session.id !== id,
      second,
    );
    expect((await cookieOf(context))?.value.slice(0, 32)).not.toBe(second);
  });

  test("the cookie of a session that is over, and cannot be forgotten, is that of the next one", async () => {
    const node = await server();
    const context = await device();
    const page = await open(node, context);
    await page.route("**/session", (route) =>
      route.request().method() === "DELETE" ? route.fulfill({ json: { token: "" } }) : route.continue(),
    );
    const [id] = (await get(page)) as [string];
    await node.sessions.destroy(id);
    await page.waitForFunction(
      (id) => window.page.session.state === "open" && window.page.session.id !== id,
      id,
    );
    const cookie = (await cookieOf(context))?.value;
    expect(cookie?.slice(0, 32)).toBe(await page.evaluate(() => window.page.session.id));
    expect(await page.evaluate(() => window.page.seen.join(" "))).not.toContain(cookie?.slice(33));
  });

  test("where the browser keeps no cookie the page waits, is told why, and no session is made", async () => {
    const node = await server();
    const context = await device();
    const page = await context.newPage();
    // Another site than the server's, whose cookie is for pages of its own site.
    await page.goto(`http://localhost:${node.port}/?server=http://127.0.0.1:${node.port}`);
    await page.waitForFunction(() => window.page.errors.length > 2);
    expect(await cookieOf(context)).toBeUndefined();
    const [error] = (await errorsOf(page)) as string[];
    expect(error).toBe(
      `Error: the browser keeps no cookie of http://127.0.0.1:${node.port}/session: not of another site, or not without https`,
    );
    expect(await page.evaluate(() => [window.page.session.state, window.page.session.token])).toEqual([
      "waiting",
      "",
    ]);
    expect(await nodes.database.rows("select sessionId from session")).toEqual([]);
  });

  test("a page whose cookies are cleared hears of an end before the next session starts", async () => {
    const node = await server();
    const context = await device();
    const page = await open(node, context);
    const [id] = (await get(page)) as [string];
    await page.evaluate(() => {
      const { session } = window.page;
      session.on("end", ({ reason }) => window.page.seen.push(`end: ${reason}`));
      session.on("start", () => window.page.seen.push("start"));
    });
    await context.clearCookies();
    await page.evaluate(() => window.page.session.resume());
    await page.waitForFunction(
      (id) => window.page.session.state === "open" && window.page.session.id !== id,
      id,
    );
    const told = await page.evaluate(() => window.page.seen.filter((text) => /^(end|start)/.test(text)));
    expect(told).toEqual(["end: forgotten", "start"]);
    expect((await cookieOf(context))?.value.slice(0, 32)).toBe(
      await page.evaluate(() => window.page.session.id),
    );
  });

  /** Tickets cannot be exchanged, until that is mended. */
  async function cutOffExchange(context: Awaited<ReturnType<typeof device>>) {
    let failing = true;
    await context.route("**/session", (route) =>
      failing && route.request().method() === "POST" ? route.abort() : route.continue(),
    );
    return {
      mend: () => {
        failing = false;
      },
    };
  }

  test("a first token that could not be exchanged is exchanged at the next connection", async () => {
    const node = await server();
    const context = await device();
    const exchange = await cutOffExchange(context);
    const page = await open(node, context);
    await page.evaluate(() => window.page.ask("set", 7));
    const [id] = (await get(page)) as [string];
    exchange.mend();
    await page.evaluate(() => window.page.session.resume());
    await page.waitForFunction((id) => window.page.session.token === `${id}.cookie`, id);
    await page.reload();
    await page.evaluate(() => window.page.session.ready);
    expect(await get(page)).toEqual([id, 7, ""]);
    expect((await cookieOf(context))?.value.slice(0, 32)).toBe(id);
  });

  test("one that is refused by then gives way to another session", async () => {
    const node = await server();
    const context = await device();
    const exchange = await cutOffExchange(context);
    const page = await open(node, context);
    const [id] = (await get(page)) as [string];
    exchange.mend();
    // It is for the browser that had this cookie.
    await context.clearCookies();
    await page.evaluate(() => window.page.session.resume());
    await page.waitForFunction(
      (id) => window.page.session.token.length === 39 && window.page.session.id !== id,
      id,
    );
    await page.evaluate(() => window.page.session.ready);
    const [next] = (await get(page)) as [string];
    expect((await cookieOf(context))?.value.slice(0, 32)).toBe(next);
    // What the browser says of an answer that refuses.
    devices[0]?.wrong.splice(0);
  });

  test("a page of another origin can do nothing with the cookie", async () => {
    const node = await server();
    const context = await device();
    const page = await open(node, context);
    const cookie = `session-token=${(await cookieOf(context))?.value}`;
    const headers = { cookie, origin: "https://evil.example" };
    for (const method of ["GET", "POST", "DELETE"]) {
      const answer = await fetch(`${node.url}/session`, { method, headers });
      expect([answer.status, await answer.json()]).toEqual([
        403,
        expect.objectContaining({ code: "SESSION_ORIGIN_REFUSED" }),
      ]);
      expect(answer.headers.get("set-cookie")).toBeNull();
    }
    expect(await (await fetch(`${node.url}/get`, { headers })).json()).toEqual([null, "", ""]);
    expect(await (await fetch(`${node.url}/get`, { headers: { cookie } })).json()).toEqual(await get(page));
  });

  test("a ticket is exchanged by the browser that has the session, and by no other", async () => {
    const node = await server();
    const context = await device();
    const page = await open(node, context);
    // What a script in the page could catch of a login's answer: the page's own exchange is held up.
    await page.route("**/session", (route) =>
      route.request().method() === "POST" ? undefined : route.continue(),
    );
    const asked = page.waitForRequest((request) => request.method() === "POST");
    void page.evaluate(() => void window.page.ask("login", "ada"));
    const ticket = (await asked).headers()["session-ticket"] as string;
    const exchange = (headers: Record<string, string>) =>
      fetch(`${node.url}/session`, { method: "POST", headers: { "session-ticket": ticket, ...headers } });
    expect((await exchange({})).status).toBe(403);
    expect((await exchange({ cookie: `session-token=${"0".repeat(32)}.${"A".repeat(43)}` })).status).toBe(
      403,
    );
    const answer = await exchange({ cookie: `session-token=${(await cookieOf(context))?.value}` });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("set-cookie")).toMatch(/HttpOnly; Secure; SameSite=Lax$/);
  });
});
