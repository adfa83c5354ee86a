import { once } from "node:events";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { CookieJar } from "../support/http/cookie-jar.js";
import { describeInBrowser } from "../support/pages/browser.js";
import type { DemoPage } from "../support/pages/demo-page.js";
import { useDevicePage } from "../support/pages/device-page.js";
import {
  type ExampleServer,
  exampleFile,
  runExample,
  startExample,
} from "../support/processes/example-server.js";
import { describeWithRedis, redisUrl, useRedisKeys } from "../support/redis/redis.js";
import { next } from "../support/servers/server.js";

// The files of examples/from-socket.io-sessions as they are: express-session and sockets on one Connect
// store.

const NAME = "from-socket.io-sessions";

type Freshness = "connection" | "event";

let servers: ExampleServer[];
let sockets: Socket[];

beforeEach(() => {
  servers = [];
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await Promise.all(servers.map((server) => server.stop()));
});

/** Whatever the environment of the tests has, these alone decide. */
async function start(env: Record<string, string> = {}, port = 0): Promise<ExampleServer> {
  const server = await startExample(NAME, {
    port,
    env: { SECRET: "cat", REDIS_URL: "", FRESHNESS: "", COOKIES: "", ...env },
  });
  servers.push(server);
  return server;
}

async function connect(url: string, options: object): Promise<Socket> {
  const socket = io(url, { forceNew: true, ...options });
  sockets.push(socket);
  await once(socket as never, "connect");
  return socket;
}

const withCookie = ({ header }: CookieJar) => ({ extraHeaders: { cookie: header } });
const colourOf = (socket: Socket) => socket.emitWithAck("colour");

/** What holds of sockets and requests of one server, in both modes. */
function testMode(FRESHNESS: Freshness, store: () => Record<string, string>) {
  async function visit() {
    const server = await start({ FRESHNESS, ...store() });
    const browser = new CookieJar(server.url);
    await browser.post("colour/red");
    return { server, browser, socket: await connect(server.url, withCookie(browser)) };
  }

  test("the socket has the session of express-session, and each sees what the other has changed", async () => {
    const { browser, socket } = await visit();
    expect(await colourOf(socket)).toBe("red");
    await browser.post("colour/blue");
    expect(await colourOf(socket)).toBe("blue");
    expect(await socket.emitWithAck("message", "hello")).toBe(1);
    await Promise.all([browser.post("colour/green"), socket.emitWithAck("message", "hello")]);
    expect(await socket.emitWithAck("message", "hello")).toBe(3);
    expect(await colourOf(socket)).toBe("green");
  });

  test("a logout over HTTP ends the session of the socket", async () => {
    const { server, browser, socket } = await visit();
    const [told, cut] = [next(socket, "sessionEnd"), next(socket, "disconnect")];
    expect(await browser.post("logout")).toEqual({ ok: true });
    expect(await told).toEqual([{ reason: "destroyed" }]);
    expect((await cut)[0]).toBe("io server disconnect");
    // The cookie that the browser has still opens nothing.
    const again = io(server.url, { forceNew: true, ...withCookie(browser) });
    sockets.push(again);
    await next(again, "sinvalid");
    await server.prints("sessionInvalid unknown");
    expect(await again.emitWithAck("message", "hello")).toBe("no session");
  });
}

describe.each<Freshness>(["connection", "event"])(
  "the socket.io-sessions example per %s, in memory:",
  (mode) => {
    testMode(mode, () => ({}));
  },
);

describeWithRedis("the socket.io-sessions example on connect-redis", () => {
  const { prefix } = useRedisKeys();
  const env = () => ({ REDIS_URL: redisUrl(), REDIS_PREFIX: prefix });

  describe.each<Freshness>(["connection", "event"])("per %s:", (mode) => testMode(mode, env));

  // In one process sockets and requests share what is known of a session. So it takes a request to another
  // process to tell the modes apart; what was read at the connection is compared with the store after 30
  // seconds and more.
  test.each<[Freshness, string]>([
    ["connection", "red"],
    ["event", "blue"],
  ])("per %s the next event finds what another server has changed: %s", async (FRESHNESS, found) => {
    const [here, there] = await Promise.all([start({ ...env(), FRESHNESS }), start({ ...env(), FRESHNESS })]);
    const browser = new CookieJar(here.url);
    await browser.post("colour/red");
    const socket = await connect(here.url, withCookie(browser));
    expect(await colourOf(socket)).toBe("red");
    const elsewhere = new CookieJar(there.url);
    elsewhere.header = browser.header;
    await elsewhere.post("colour/blue");
    expect(await colourOf(socket)).toBe(found);
    // A handler that changes the session begins with what is in the store, in either mode.
    expect(await socket.emitWithAck("message", "hello")).toBe(1);
    expect(await colourOf(socket)).toBe("blue");
  });

  test("per event a logout at another server ends the socket at its next event", async () => {
    const FRESHNESS = "event";
    const [here, there] = await Promise.all([start({ ...env(), FRESHNESS }), start({ ...env(), FRESHNESS })]);
    const browser = new CookieJar(here.url);
    await browser.post("colour/red");
    const socket = await connect(here.url, withCookie(browser));
    const elsewhere = new CookieJar(there.url);
    elsewhere.header = browser.header;
    await elsewhere.post("logout");
    const told = next(socket, "sessionEnd");
    // One that only reads: a handler of withSession finds it out in either mode.
    socket.emit("colour", () => {});
    expect(await told).toEqual([{ reason: "destroyed" }]);
  });
});

describe("the cutter of the socket.io-sessions example", () => {
  test("finds the session in what a program sends in place of a header, if its signature is right", async () => {
    const { url } = await start({ COOKIES: "cutter" });
    const browser = new CookieJar(url);
    await browser.post("colour/red");
    const cookie = browser.header;
    expect(await colourOf(await connect(url, { auth: { cookie } }))).toBe("red");
    const forged = cookie.replace(/.$/, (sign) => (sign === "A" ? "B" : "A"));
    for (const options of [{ auth: { cookie: forged } }, { auth: { cookie: 7 } }, withCookie(browser), {}])
      expect(await colourOf(await connect(url, options))).toBe("none");
  });
});

describe("the client of the socket.io-sessions example", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await fs.mkdtemp(path.join(os.tmpdir(), "colours-"));
  });
  afterEach(() => fs.rm(folder, { recursive: true, force: true }));

  test("has a session of its own by connectWithSession, and is known when it runs again", async () => {
    const { url } = await start();
    const file = exampleFile(NAME, "client.js");
    const run = (tokens: string) => runExample(file, [url], { TOKEN_FILE: path.join(folder, tokens) });
    expect(await run("mine.json")).toBe("Messages in this session: 1.\n");
    expect(await run("mine.json")).toBe("Messages in this session: 2.\n");
    expect(await run("another.json")).toBe("Messages in this session: 1.\n");
  });
});

describeInBrowser("the page of the socket.io-sessions example", () => {
  const device = useDevicePage();
  let tab: Page;
  let page: DemoPage;
  beforeEach(() => {
    ({ tab, page } = device);
  });

  const set = async (colour: string) => {
    await tab.getByLabel("A colour").fill(colour);
    await page.click("Set it over HTTP");
    await page.shows("colour", colour);
  };

  test("has the cookie's session, over a reload too, and another one after a logout", async () => {
    await tab.goto((await start()).url);
    // By the cookie that came with the page itself.
    await page.shows("session", "Connected.");
    await page.click("Send a message");
    await page.shows("messages", "1");
    await set("red");
    await tab.reload();
    await page.shows("colour", "red");
    await page.click("Send a message");
    await page.shows("messages", "2");

    await page.click("Log out over HTTP");
    await page.shows("session", "The session is over: destroyed.");
    await set("green");
    await page.click("Send a message");
    await page.shows("messages", "1");
    await tab.reload();
    await page.shows("colour", "green");
  });

  test("goes on with a new session when the server has forgotten the one that it had", async () => {
    const server = await start();
    await tab.goto(server.url);
    await page.shows("session", "Connected.");
    expect(await server.stop()).toBe(0);
    await start({}, server.port);
    await page.shows("session", "There is no session.");
    await set("red");
    await page.shows("session", "Connected.");
    await page.click("Send a message");
    await page.shows("messages", "1");
  });
});
