import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { connectToBrowser, describeInBrowser } from "../../support/pages/browser.js";
import {
  cordovaApp,
  GIVE_DEVICEREADY,
  HOLD_DEVICEREADY,
  NATIVE_STORAGE,
} from "../../support/pages/cordova-app.js";
import { type Demo, startDemo } from "../../support/pages/demo-server.js";
import {
  type AppFiles,
  filesOf,
  type Phone,
  serveApp,
  startPhone,
  stoppableClock,
} from "../../support/pages/phone.js";
import { copyExample, type Example } from "../../support/processes/example.js";

const run = promisify(execFile);

/** As the native side of Cordova tells the page. */
const fire = (page: Page, event: "pause" | "resume") =>
  page.evaluate((event) => (window as unknown as CordovaPage).cordova.fireDocumentEvent(event), event);
const stored = (page: Page) => page.evaluate(() => [...(window as unknown as CordovaPage).host.items]);

interface CordovaPage {
  cordova: { fireDocumentEvent(name: string): void };
  /** The native side, see pages/cordova-host.ts. */
  host: { items: Map<string, string>; unreadable: Set<string> };
}

describeInBrowser("the Cordova example", () => {
  let browser: Browser;
  let database: TestDatabase;
  let examples: Example[] = [];
  let app: AppFiles;
  let server: Demo;
  /** Where the client keeps the token. */
  let key: string;
  let phone: Phone;
  /** What the native side of the next page keeps already, and what cordova.js does at its end. */
  let kept: [string, string][];
  let then: string;

  const start = (port = 0) =>
    startDemo(database.url, {
      port,
      program: path.join(examples[0]?.folder ?? "", "server.js"),
      env: { ORIGINS: app.origin },
    });

  beforeAll(async () => {
    browser = await connectToBrowser();
    database = await createTestDatabase();
    examples = [copyExample("capacitor"), copyExample("cordova")];
    const folder = examples[1]?.folder ?? "";
    await run(process.execPath, [path.join(folder, "copy-scripts.js")]);
    const { cordova } = await cordovaApp(NATIVE_STORAGE);
    const read = filesOf(path.join(folder, "www"));
    app = await serveApp((name) => {
      if (name !== "cordova.js") return read(name).replaceAll("localhost:3000", `127.0.0.1:${server.port}`);
      const items = JSON.stringify(kept);
      return `var platform = "android"; ${cordova}; ${items}.forEach((item) => host.items.set(...item)); ${then}`;
    });
    server = await start();
    key = `socket.io-token-session.http___127.0.0.1_${server.port}`;
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await app?.close();
    for (const example of examples) example.remove();
    await database?.drop();
  });

  beforeEach(async () => {
    await database.rows("delete from session");
    kept = [];
    then = "";
    phone = await startPhone(browser, app);
  });

  afterEach(async () => {
    await phone?.context.close();
    // An app that breaks its own Content-Security-Policy would be among them.
    expect(phone?.wrong).toEqual([]);
  });

  test("begins at deviceready and not before", async () => {
    then = HOLD_DEVICEREADY;
    const page = await phone.open();
    await page.tab.waitForFunction("cordova.require('cordova/channel').onCordovaReady.state === 2");
    await page.shows("connection", "Waiting for the device");
    await page.tab.evaluate(GIVE_DEVICEREADY);
    await page.has(0);
    await page.said(/^A new session has begun/);
  });

  test("the plugin keeps the token, and the next start of the app has the session again", async () => {
    const page = await phone.open();
    await page.has(0);
    await page.click("Tap");
    await page.has(1);
    const id = await page.sessionId();
    expect(await page.stored()).toEqual({});
    kept = await stored(page.tab);
    // As text in JSON, which is how this plugin keeps everything.
    expect(kept).toEqual([[key, expect.stringMatching(`^"${id}\\.[\\w-]{43}"$`)]]);
    await page.tab.close();
    const later = await phone.open();
    await later.has(1);
    await later.said(/^The stored token opened its session/);
    expect(await later.sessionId()).toBe(id);
    expect(await database.rows("select 1 from session")).toHaveLength(1);
  });

  test("a token that cannot be read is waited for, and not replaced", async () => {
    const first = await phone.open();
    await first.has(0);
    const id = await first.sessionId();
    kept = await stored(first.tab);
    await first.tab.close();
    then = `host.unreadable.add(${JSON.stringify(key)});`;
    const page = await phone.open();
    await page.shows("connection", /^Waiting: /);
    await page.tab.evaluate(() => (window as unknown as CordovaPage).host.unreadable.clear());
    await page.has(0);
    expect(await page.sessionId()).toBe(id);
    expect(await database.rows("select 1 from session")).toHaveLength(1);
  });

  test("logs in and out, by a token that the plugin keeps at once", async () => {
    const page = await phone.open();
    await page.has(0);
    const before = await stored(page.tab);
    await page.logIn("Ada");
    await page.shows("greeting", "Hello, Ada");
    kept = await stored(page.tab);
    expect(kept).not.toEqual(before);
    await page.tab.close();
    const later = await phone.open();
    await later.shows("greeting", "Hello, Ada");
    await later.click("Log out");
    await later.shows("greeting", "Welcome");
  });

  test("comes back at once when the app resumes", async () => {
    const page = await phone.open(stoppableClock);
    await page.has(0);
    await page.click("Tap");
    await page.has(1);
    await fire(page.tab, "pause");
    const restart = async () => {
      expect(await server.stop()).toBe(0);
      server = await start(server.port);
    };
    await page.comesBackAtOnce(restart, () => fire(page.tab, "resume"));
    await page.click("Tap");
    await page.has(2);
  });

  test.each([
    [320, 568],
    [390, 844],
  ])("nothing is cut off or scrolls sideways at %i × %i", async (width, height) => {
    const page = await phone.open();
    await page.tab.setViewportSize({ width, height });
    await page.has(0);
    expect(await page.tooWide()).toEqual([]);
    await page.logIn("W".repeat(40));
    await page.shows("greeting", /^Hello, W/);
    expect(await page.tooWide()).toEqual([]);
  });
});
