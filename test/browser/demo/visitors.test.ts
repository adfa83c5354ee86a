import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { startProxy } from "../../support/database/proxy.js";
import { connectToBrowser, describeInBrowser } from "../../support/pages/browser.js";
import { DemoPage, newDevice } from "../../support/pages/demo-page.js";
import { type Demo, startDemo } from "../../support/pages/demo-server.js";

describeInBrowser("the demo's page", () => {
  let browser: Browser;
  let database: TestDatabase;
  let demo: Demo;
  let context: BrowserContext;
  let wrong: string[];
  let tab: Page;
  let page: DemoPage;

  beforeAll(async () => {
    browser = await connectToBrowser();
    database = await createTestDatabase();
    demo = await startDemo(database.url);
  });

  afterAll(async () => {
    await demo?.stop();
    await database?.drop();
    await browser?.close();
  });

  // Each test is a device that has never been here.
  beforeEach(async () => {
    ({ context, wrong } = await newDevice(browser, { viewport: { width: 390, height: 844 } }));
    tab = await context.newPage();
    page = new DemoPage(tab);
    await tab.goto(demo.url);
    await page.ready(1);
  });

  afterEach(async () => {
    await context.close();
    expect(wrong).toEqual([]);
  });

  test("counts visits across reloads, in one session", async () => {
    const id = await page.sessionId();
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    await page.said(/wrote visits = 1 with one UPDATE/);
    await tab.reload();
    await page.ready(2);
    expect(await page.sessionId()).toBe(id);
    const [row] = await database.rows<{ data: string }>("select data from session where sessionId = ?", [id]);
    await page.shows("data", row?.data ?? "");
  });

  test("stays logged in over a reload, and logs out", async () => {
    await page.logIn("Ada");
    await page.shows("greeting", "Hello, Ada");
    await tab.reload();
    await page.ready(2);
    await page.shows("greeting", "Hello, Ada");
    await page.click("Log out");
    await page.shows("greeting", "Welcome");
    // All values go with the login.
    await page.shows("visits", "0");
    await page.shows("user-id", "NULL, nobody is logged in");
    await tab.reload();
    await page.ready(1);
    await page.shows("greeting", "Welcome");
  });

  test("a second tab has the same session, and each sees what the other does", async () => {
    const [otherTab] = await Promise.all([context.waitForEvent("page"), page.click("Open a second tab")]);
    const other = new DemoPage(otherTab);
    await other.ready(2);
    expect(await other.sessionId()).toBe(await page.sessionId());
    await page.shows("visits", "2");
    await page.said(/^Another tab sent “visit”/);
    await other.click("Add one Coffee");
    await page.shows("count-coffee", "1");
    await page.click("Add one Coffee");
    await other.shows("count-coffee", "2");
    await other.shows("total", "€5.60");
    await page.logIn("Grace");
    await other.shows("greeting", "Hello, Grace");
    await page.said(/^A new token for the same session came by gotToken/);
    await other.said(/^Another tab of this device has had a new token/);
    await other.click("Clear the session");
    // The name is a value, and gone; who is logged in is none.
    await page.shows("greeting", "Hello, grace");
    await page.shows("total", "€0.00");
  });

  test("a dropped connection comes back by itself with the same session", async () => {
    const [id, token] = [await page.sessionId(), await page.token()];
    await page.click("Add one Apple");
    await page.shows("count-apple", "1");
    await page.click("Drop the connection");
    await page.shows("connection", "Reconnecting");
    await page.ready(1);
    await page.said(/^Connected again with the token/);
    await page.click("Add one Apple");
    await page.shows("count-apple", "2");
    expect([await page.sessionId(), await page.token()]).toEqual([id, token]);
  });

  test("forgetting the token gives a new session, and the other tab follows", async () => {
    const id = await page.sessionId();
    await page.logIn("Ada");
    await page.shows("greeting", "Hello, Ada");
    const otherTab = await context.newPage();
    await otherTab.goto(demo.url);
    const other = new DemoPage(otherTab);
    await other.ready(2);
    await page.click("Forget the token");
    await page.shows("greeting", "Welcome");
    await other.shows("greeting", "Welcome");
    // Each page load counts once in the session that it has.
    await page.shows("visits", "2");
    await other.shows("visits", "2");
    await page.otherThan(id);
    await other.shows("session-id", await page.sessionId());
    expect(await database.rows("select 1 from session where sessionId = ?", [id])).toHaveLength(1);
  });

  test("a token whose row is gone gives a new session, and says so", async () => {
    const id = await page.sessionId();
    await database.rows("delete from session where sessionId = ?", [id]);
    await tab.reload();
    await page.ready(1);
    await page.said(/The server said “Session Not Found” of the token held here/);
    await page.otherThan(id);
  });

  test("ending the session ends it in every tab, and both begin anew", async () => {
    const [id, token] = [await page.sessionId(), await page.token()];
    const otherTab = await context.newPage();
    await otherTab.goto(demo.url);
    const other = new DemoPage(otherTab);
    await other.ready(2);
    await page.click("End the session");
    await page.said(/^Somebody ended this session/);
    await other.said(/^Somebody ended this session/);
    await page.otherThan(id);
    await other.otherThan(id);
    expect(await database.rows("select 1 from session where sessionId = ?", [id])).toEqual([]);
    expect(await page.token()).not.toBe(token);
  });

  test("a row that goes in the middle of it gives a new session at the next change", async () => {
    const id = await page.sessionId();
    await database.rows("delete from session where sessionId = ?", [id]);
    await page.click("Add one Juice");
    await page.said(/^Somebody ended this session/);
    await page.ready(1);
    await page.otherThan(id);
  });

  test("a restart of the server loses nothing", async () => {
    const id = await page.sessionId();
    await page.logIn("Ada");
    await page.click("Add one Cookie");
    await page.shows("count-cookie", "1");
    const { port } = demo;
    expect(await demo.stop()).toBe(0);
    await page.shows("connection", "Reconnecting");
    demo = await startDemo(database.url, { port });
    await page.ready(1);
    await page.shows("greeting", "Hello, Ada");
    await page.click("Add one Cookie");
    await page.shows("count-cookie", "2");
    expect(await page.sessionId()).toBe(id);
  });

  test("what a client sends is shown as text", async () => {
    const name = "<img src=x onerror=window.pwned=1>";
    await page.logIn(name);
    await page.shows("greeting", `Hello, ${name}`);
    await tab.reload();
    await page.ready(2);
    await page.shows("greeting", `Hello, ${name}`);
    expect(await tab.locator("img").count()).toBe(0);
    expect(await tab.evaluate(() => "pwned" in window)).toBe(false);
  });

  test("the secret part of the token is nowhere on the page", async () => {
    await page.logIn("Ada");
    await page.shows("greeting", "Hello, Ada");
    const [id = "", secret = ""] = (await page.token()).split(".");
    expect(secret).toHaveLength(43);
    await page.shows("token", `${id.slice(0, 4)}…${id.slice(-2)}.••••••`);
    const values = await tab
      .locator("input")
      .evaluateAll((all) => all.map((input) => "value" in input && input.value));
    for (const shown of [await tab.content(), await tab.title(), tab.url(), ...values.map(String)]) {
      expect(shown.includes(secret)).toBe(false);
    }
  });

  test.each([
    [320, 568],
    [390, 844],
    [800, 600],
    [1280, 900],
  ])("nothing is cut off or scrolls sideways at %i × %i", async (width, height) => {
    await tab.setViewportSize({ width, height });
    await page.logIn("W".repeat(40));
    await page.shows("greeting", /^Hello, W/);
    expect(await page.tooWide()).toEqual([]);
  });
});

describeInBrowser("the demo's page while the database is away", () => {
  test("says so, loses nothing, and goes on by itself", async () => {
    const browser = await connectToBrowser();
    const database = await createTestDatabase();
    const proxy = await startProxy(database.url);
    const demo = await startDemo(proxy.through(database.url));
    try {
      const { context } = await newDevice(browser);
      const tab = await context.newPage();
      const page = new DemoPage(tab);
      await tab.goto(demo.url);
      await page.ready(1);
      const [id, token] = [await page.sessionId(), await page.token()];

      await proxy.down();
      await page.click("Add one Coffee");
      await page.shows("banner", /^The database (cannot be reached|did not answer)/);
      await page.shows("count-coffee", "0");
      await tab.reload();
      await page.shows("connection", "No database");
      await page.shows("banner", "Session store unavailable.");
      expect(await page.token()).toBe(token);

      await proxy.up();
      await page.ready(2);
      await page.click("Add one Coffee");
      await page.shows("count-coffee", "1");
      expect([await page.sessionId(), await page.token()]).toEqual([id, token]);
    } finally {
      await demo.stop();
      await proxy.close();
      await database.drop();
      await browser.close();
    }
  });
});
