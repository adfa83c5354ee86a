import { once } from "node:events";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { io } from "socket.io-client";
import { tokenSession } from "../../client/index.js";
import { device } from "../support/clients/device.js";
import { createTestDatabase, type TestDatabase } from "../support/database/database.js";
import { connectToBrowser, describeInBrowser } from "../support/pages/browser.js";
import { DemoPage, newDevice } from "../support/pages/demo-page.js";
import {
  type ExampleServer,
  exampleFile,
  runExample,
  startExample,
} from "../support/processes/example-server.js";

// The files of examples/from-webgram-sessions as they are: its server, its Node client, its page.

const NAME = "from-webgram-sessions";

let database: TestDatabase;
let server: ExampleServer;
let folder: string;
/** Where the Node client keeps its tokens. */
let tokens: string;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startExample(NAME, { databaseUrl: database.url });
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});
beforeEach(async () => {
  await database.rows("delete from session");
  folder = await fs.mkdtemp(path.join(os.tmpdir(), "plus-one-"));
  tokens = path.join(folder, "tokens.json");
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

/** Runs the Node client once; gives what it printed. */
const visit = (...identity: string[]) =>
  runExample(exampleFile(NAME, "client.js"), [server.url, ...identity], { TOKEN_FILE: tokens });

/** Another process on the same port, after the first has ended in good order. */
async function restart(): Promise<void> {
  expect(await server.stop()).toBe(0);
  server = await startExample(NAME, { databaseUrl: database.url, port: server.port });
}

describe("the Node client of the webgram-sessions example", () => {
  test("is greeted with the last value, after a restart of the server too", async () => {
    expect(await visit()).toBe("A new visitor.\n999 plus one is 1000.\n");
    const [row] = await database.rows("select createdAt, client from session");
    expect(JSON.parse(String(row?.["client"]))).toEqual({ program: "plus-one", system: os.platform() });
    await database.rows("update session set createdAt = createdAt - 3 * 86400");
    const began = new Date((Number(row?.["createdAt"]) - 3 * 86_400) * 1000).toISOString().slice(0, 10);
    expect(await visit()).toBe(
      `Back again: the last value was 1000, the first visit ${began}.\n1000 plus one is 1001.\n`,
    );
    await restart();
    expect(await visit()).toMatch(/^Back again: the last value was 1001, .*\n1001 plus one is 1002\.\n$/);
    expect(await database.rows("select data from session")).toEqual([{ data: '{"lastValue":1002}' }]);
  });

  test("has a session for each identity", async () => {
    await visit();
    expect(await visit("work")).toBe("A new visitor.\n999 plus one is 1000.\n");
    expect(await visit("work")).toMatch(/^Back again: the last value was 1000,/);
    expect(await visit()).toMatch(/^Back again: the last value was 1000,/);
    expect(await database.rows("select 1 from session")).toHaveLength(2);
  });

  test("is a new visitor without its file", async () => {
    await visit();
    await fs.rm(tokens);
    expect(await visit()).toMatch(/^A new visitor\./);
  });
});

test("the webgram-sessions example answers nothing to a socket before its session is there", async () => {
  const socket = io(server.url, { forceNew: true, transports: ["websocket"] });
  try {
    const hello = socket.emitWithAck("hello");
    await once(socket as never, "connect");
    // Somebody else comes and goes meanwhile.
    await visit();
    socket.emit("getToken", { token: "" });
    // Without a session these would be 0.
    expect(await hello).toMatchObject({ firstVisit: expect.any(Number), lastValue: null });
    expect((await hello).firstVisit).toBeGreaterThan(0);
  } finally {
    socket.disconnect();
  }
});

describeInBrowser("the page of the webgram-sessions example", () => {
  let browser: Browser;
  let context: BrowserContext;
  let wrong: string[];
  let tab: Page;
  let page: DemoPage;

  /** A tab of the same device, when its page has been greeted. */
  async function openTab(greeting: string | RegExp): Promise<Page> {
    const opened = await context.newPage();
    await opened.goto(server.url);
    await new DemoPage(opened).shows("greeting", greeting);
    return opened;
  }
  const addOneTo = async (value: number) => {
    await tab.getByLabel("A number").fill(String(value));
    await page.click("Add one");
    await page.shows("result", String(value + 1));
  };

  beforeAll(async () => {
    browser = await connectToBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    ({ context, wrong } = await newDevice(browser));
    tab = await openTab("A new visitor.");
    page = new DemoPage(tab);
  });
  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });

  test("greets who comes back with the last value, after a restart of the server too", async () => {
    await addOneTo(41);
    await tab.reload();
    await page.shows("greeting", "Back again: the last value was 42.");
    await restart();
    await tab.reload();
    await page.shows("greeting", "Back again: the last value was 42.");
    await page.shows("from", /^\{"page":"Plus one","language":"en-GB"\}$/);
    expect(await database.rows("select data from session")).toEqual([{ data: '{"lastValue":42}' }]);
  });

  test("goes on by itself when the server comes back", async () => {
    await addOneTo(1);
    await restart();
    await addOneTo(2);
    expect(await database.rows("select data from session")).toEqual([{ data: '{"lastValue":3}' }]);
  });

  test("knows the first visit and the one before this", async () => {
    await page.shows("previous-visit", "none");
    await tab.goto("about:blank");
    await database.rows(
      "update session set createdAt = createdAt - 86400, visitedAt = visitedAt - 7200, expires = expires - 7200",
    );
    const [row] = await database.rows<{ createdAt: number; visitedAt: number }>(
      "select createdAt, visitedAt from session",
    );
    const time = (seconds = 0) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
    await tab.goto(server.url);
    await page.shows("first-visit", time(row?.createdAt));
    await page.shows("previous-visit", time(row?.visitedAt));
  });

  test("tells all tabs of a device, and no other device, what one of them has saved", async () => {
    const second = new DemoPage(await openTab("A new visitor."));
    const other = io(server.url, { forceNew: true });
    try {
      await tokenSession(other, { storage: device() }).ready;
      const heard: unknown[] = [];
      other.on("saved", (content) => heard.push(content));
      await addOneTo(7);
      await second.shows("saved", "8");
      await page.shows("saved", "8");
      // A socket gets things in order: whatever was sent to it by mistake has come when this is answered.
      await other.emitWithAck("hello");
      expect(heard).toEqual([]);
    } finally {
      other.disconnect();
    }
    expect(await database.rows("select 1 from session")).toHaveLength(2);
  });

  test("keeps several identities", async () => {
    await addOneTo(7);
    await tab.getByLabel("Who are you here?").fill("work");
    await page.click("Be that");
    await page.shows("greeting", "A new visitor.");
    await page.shows("identities", "(no name), work");
    await addOneTo(70);
    await tab.getByLabel("Who are you here?").fill("");
    await page.click("Be that");
    await page.shows("greeting", "Back again: the last value was 8.");
    expect(await database.rows("select data from session order by sessionId")).toEqual([
      { data: '{"lastValue":8}' },
      { data: '{"lastValue":71}' },
    ]);
  });
});
