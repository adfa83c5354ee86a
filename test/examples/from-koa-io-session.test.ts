import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { createTestDatabase, type TestDatabase } from "../support/database/database.js";
import { CookieJar } from "../support/http/cookie-jar.js";
import { describeInBrowser } from "../support/pages/browser.js";
import type { DemoPage } from "../support/pages/demo-page.js";
import { useDevicePage } from "../support/pages/device-page.js";
import { type ExampleServer, startExample } from "../support/processes/example-server.js";
import { next } from "../support/servers/server.js";

// The files of examples/from-koa-io-session as they are: a cookie, HTTP and sockets on one session.

const NAME = "from-koa-io-session";

let database: TestDatabase;
let server: ExampleServer;
let sockets: Socket[];

const start = (port = 0) =>
  startExample(NAME, { databaseUrl: database.url, port, env: { KEYS: "new-key,old-key" } });

beforeAll(async () => {
  database = await createTestDatabase();
  server = await start();
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});
beforeEach(async () => {
  sockets = [];
  await database.rows("delete from session");
});
afterEach(() => {
  for (const socket of sockets) socket.disconnect();
});

const jar = () => new CookieJar(server.url);

/** A socket of the same browser. */
async function socketOf({ header }: CookieJar, headers: Record<string, string> = {}): Promise<Socket> {
  const socket = io(server.url, { forceNew: true, extraHeaders: { cookie: header, ...headers } });
  sockets.push(socket);
  await once(socket as never, "connect");
  return socket;
}

const NONE = { error: "There is no session." };

describe("the koa-io-session example", () => {
  test("counts over HTTP and by the socket in one session", async () => {
    const browser = jar();
    const first = await browser.post("count");
    const { sessionId, clientId } = first;
    expect(first).toEqual({ httpCount: 1, socketCount: 0, clientId: expect.any(String), sessionId });
    await server.prints(`sessionStart ${sessionId}`);
    const socket = await socketOf(browser);
    expect(await socket.emitWithAck("count")).toEqual({ httpCount: 1, socketCount: 1, clientId, sessionId });
    expect(await browser.post("count")).toEqual({ httpCount: 2, socketCount: 1, clientId, sessionId });
    // A handler each, one after the other.
    await Promise.all(Array.from({ length: 5 }, () => socket.emitWithAck("count")));
    expect(await browser.post("count")).toEqual({ httpCount: 3, socketCount: 6, clientId, sessionId });
    expect(await database.rows("select sessionId from session")).toEqual([{ sessionId }]);
  });

  test("a reset over HTTP ends the session of the socket, and the client stays known", async () => {
    const browser = jar();
    const { sessionId, clientId } = await browser.post("count");
    const socket = await socketOf(browser);
    const [told, cut] = [next(socket, "sessionEnd"), next(socket, "disconnect")];
    expect(await browser.post("reset")).toEqual({ ok: true });
    expect(await told).toEqual([{ reason: "destroyed" }]);
    expect((await cut)[0]).toBe("io server disconnect");
    await server.prints(`sessionEnd ${sessionId} destroyed`);
    expect(await database.rows("select 1 from session")).toEqual([]);

    expect(await (await socketOf(browser)).emitWithAck("count")).toEqual(NONE);
    const anew = await browser.post("count");
    expect(anew).toMatchObject({ httpCount: 1, socketCount: 0, clientId });
    expect(anew["sessionId"]).not.toBe(sessionId);
    expect(await (await socketOf(browser)).emitWithAck("count")).toMatchObject({ socketCount: 1 });
  });

  test("without the cookie, with a forged one, or from another site's page a socket has no session", async () => {
    const browser = jar();
    await browser.post("count");
    const forged = jar();
    forged.header = browser.header.replace(/(?<=counter\.sess\.sig=)./, (sign) => (sign === "A" ? "B" : "A"));
    for (const [who, headers] of [
      [jar(), {}],
      [forged, {}],
      [browser, { origin: "https://elsewhere.example" }],
    ] as const)
      expect(await (await socketOf(who, headers)).emitWithAck("count")).toEqual(NONE);
    expect(await database.rows("select 1 from session")).toHaveLength(1);
  });

  test("goes on after a restart, as its keys are its own", async () => {
    const browser = jar();
    const { sessionId } = await browser.post("count");
    expect(await server.stop()).toBe(0);
    server = await start(server.port);
    expect(await browser.post("count")).toMatchObject({ httpCount: 2, sessionId });
    expect(await (await socketOf(browser)).emitWithAck("count")).toMatchObject({ socketCount: 1, sessionId });
  });

  test("lasts thirty days, and what opens it is nowhere in the table", async () => {
    const browser = jar();
    await browser.post("count");
    const [row] = await database.rows("select *, expires - createdAt as lasts from session");
    // koa-session has its store keep a session ten seconds longer than the cookie.
    // The row then has touchEvery more, a quarter of an hour.
    expect(row?.["lasts"]).toBe(30 * 24 * 3600 + 10 + 900);
    const [, key = "none"] = /counter\.sess=([^;]+)/.exec(browser.header) ?? [];
    expect(JSON.stringify(row)).not.toContain(key);
    expect(server.printed()).not.toContain(key);
  });
});

describeInBrowser("the page of the koa-io-session example", () => {
  const device = useDevicePage();
  let tab: Page;
  let page: DemoPage;
  beforeEach(async () => {
    ({ tab, page } = device);
    await tab.goto(server.url);
  });

  test("counts both ways, over a reload too, and begins anew after a reset", async () => {
    await page.shows("http-count", "1");
    await page.click("Count by the socket");
    await page.shows("socket-count", "1");
    await page.click("Count over HTTP");
    await page.shows("http-count", "2");
    await tab.reload();
    await page.shows("http-count", "3");
    await page.shows("socket-count", "1");

    await page.click("Reset over HTTP");
    await page.shows("session", "The session of the socket is over: destroyed.");
    await page.click("Count by the socket");
    await page.shows("session", "There is no session.");
    await page.click("Count over HTTP");
    await page.shows("http-count", "1");
    await page.shows("socket-count", "0");
    await page.click("Count by the socket");
    await page.shows("socket-count", "1");
  });
});
