import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { connectToBrowser, describeInBrowser } from "../../support/pages/browser.js";
import { appResumes, capacitorPhone } from "../../support/pages/capacitor-phone.js";
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
const viteBuild = path.resolve(import.meta.dirname, "../../support/pages/vite-build.js");

describeInBrowser("the Capacitor example", () => {
  let browser: Browser;
  let database: TestDatabase;
  let example: Example;
  let app: AppFiles;
  let server: Demo;
  /** Where the client keeps the token. */
  let key: string;
  let phone: Phone;

  const start = (port = 0) =>
    startDemo(database.url, {
      port,
      program: path.join(example.folder, "server.js"),
      env: { ORIGINS: app.origin },
    });

  beforeAll(async () => {
    browser = await connectToBrowser();
    database = await createTestDatabase();
    example = copyExample("capacitor");
    app = await serveApp(filesOf(path.join(example.folder, "dist")));
    server = await start();
    const { origin } = new URL(server.url);
    key = `socket.io-token-session.${origin.replace(/[:/]/g, "_")}`;
    writeFileSync(path.join(example.folder, ".env"), `VITE_SERVER_URL=${origin}\n`);
    await run(process.execPath, [viteBuild, example.folder]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    await app?.close();
    example?.remove();
    await database?.drop();
  });

  // Each test is a phone on which the app has never been.
  beforeEach(async () => {
    await database.rows("delete from session");
    phone = await startPhone(browser, app);
  });

  afterEach(async () => {
    await phone?.context.close();
    expect(phone?.wrong).toEqual([]);
  });

  const rows = () =>
    database.rows<{ sessionId: string; userId: string | null; client: string }>(
      "select sessionId, userId, client from session",
    );

  test("first visit: a new session, whose token Preferences keeps", async () => {
    const page = await phone.open();
    await page.has(0);
    await page.said(/^The server began a new session/);
    const [row, ...others] = await rows();
    expect(others).toEqual([]);
    expect(row?.sessionId).toBe(await page.sessionId());
    expect(JSON.parse(row?.client ?? "")).toEqual({ device: "Browser", app: "Pocket Taps" });
    const stored = await page.stored();
    expect(Object.keys(stored)).toEqual([`CapacitorStorage.${key}`]);
    const [id, secret = ""] = stored[`CapacitorStorage.${key}`]?.split(".") ?? [];
    expect(id).toBe(row?.sessionId);
    expect(secret).toHaveLength(43);
    expect(await page.tab.content()).not.toContain(secret);
  });

  test("a reload keeps the session, its taps and its note", async () => {
    const page = await phone.open();
    await page.has(0);
    const id = await page.sessionId();
    await page.click("Tap");
    await page.click("Tap");
    await page.said(/^Tap 2 is in the session's row/);
    await page.tab.getByLabel("A note to keep").fill("Buy <b>oranges</b>");
    await page.click("Save");
    await page.said(/^The note is in/);
    await page.tab.reload();
    await page.has(2);
    await page.said(/^The token stored on this device opened its session/);
    expect(await page.sessionId()).toBe(id);
    expect(await page.tab.getByLabel("A note to keep").inputValue()).toBe("Buy <b>oranges</b>");
  });

  test("login gives a new token for the same session, logout takes the values", async () => {
    const page = await phone.open();
    await page.has(0);
    await page.click("Tap");
    await page.has(1);
    const [id, before] = [await page.sessionId(), await page.stored()];
    await page.logIn("Ada");
    await page.shows("greeting", "Hello, Ada");
    await page.said(/^Logged in as Ada/);
    expect(await page.sessionId()).toBe(id);
    expect(await page.stored()).not.toEqual(before);
    expect((await rows()).map(({ userId }) => userId)).toEqual(["ada"]);
    await page.tab.reload();
    await page.has(1);
    await page.shows("greeting", "Hello, Ada");
    await page.click("Log out");
    await page.shows("greeting", "Welcome");
    await page.has(0);
    expect((await rows()).map(({ sessionId, userId }) => [sessionId, userId])).toEqual([[id, null]]);
  });

  test("a restart of the server loses nothing", async () => {
    const page = await phone.open();
    await page.has(0);
    const id = await page.sessionId();
    await page.click("Tap");
    await page.has(1);
    expect(await server.stop()).toBe(0);
    await page.shows("connection", "Reconnecting");
    server = await start(server.port);
    await page.has(1);
    await page.click("Tap");
    await page.has(2);
    expect(await page.sessionId()).toBe(id);
  });

  test("a dropped connection comes back, a forgotten token does not", async () => {
    const page = await phone.open();
    await page.has(0);
    const id = await page.sessionId();
    await page.click("Tap");
    await page.has(1);
    await page.click("Drop the connection");
    await page.said(/^The connection is gone/);
    await page.shows("latest", "Connected again, with the same session.");
    await page.has(1);
    await page.click("Forget the token");
    await page.said(/^The token was dropped on this device/);
    await page.otherThan(id);
    await page.has(0);
    expect(await rows()).toHaveLength(2);
  });

  test("a second page has the same session, and goes on having it", async () => {
    const one = await phone.open();
    await one.has(0);
    await one.said(/^The server began a new session/);
    const other = await phone.open();
    await other.has(0);
    expect(await other.sessionId()).toBe(await one.sessionId());
    await one.click("Tap");
    await other.has(1);
    await one.logIn("Grace");
    await other.shows("greeting", "Hello, Grace");
    // By the token that the login of the first has brought.
    await other.click("Tap");
    await one.has(2);
    await other.click("Log out");
    await one.shows("greeting", "Welcome");
    await one.has(0);
  });

  async function restart(): Promise<void> {
    expect(await server.stop()).toBe(0);
    server = await start(server.port);
  }

  test("comes back at once when the page is seen again", async () => {
    const page = await phone.open(stoppableClock);
    await page.has(0);
    await page.comesBackAtOnce(restart, () =>
      page.tab.evaluate(() => document.dispatchEvent(new Event("visibilitychange"))),
    );
    await page.click("Tap");
    await page.has(1);
  });

  test("as on Android: Preferences keeps the token, and App's resume brings the connection back at once", async () => {
    const kept = await capacitorPhone(phone.context);
    const page = await phone.open(stoppableClock);
    await page.has(0);
    await page.click("Tap");
    await page.has(1);
    const id = await page.sessionId();
    expect(JSON.parse((await rows())[0]?.client ?? "")).toMatchObject({ device: "Android" });
    expect(await page.stored()).toEqual({});
    expect([...kept.keys()]).toEqual([key]);
    expect(kept.get(key)?.split(".")[0]).toBe(id);
    await page.comesBackAtOnce(restart, () => appResumes(page.tab));
    await page.tab.close();
    const later = await phone.open();
    await later.has(1);
    expect(await later.sessionId()).toBe(id);
  });

  test.each([
    [320, 568],
    [390, 844],
    [1280, 900],
  ])("nothing is cut off or scrolls sideways at %i × %i", async (width, height) => {
    const page = await phone.open();
    await page.tab.setViewportSize({ width, height });
    await page.has(0);
    expect(await page.tooWide()).toEqual([]);
    await page.logIn("W".repeat(40));
    await page.shows("greeting", /^Hello, W/);
    expect(await page.tooWide()).toEqual([]);
  });

  test("what its server is asked too much, it refuses", async () => {
    const page = await phone.open();
    await page.has(0);
    await page.tab.locator("#name").evaluate((input: HTMLInputElement) => {
      input.maxLength = 1000;
      input.value = "x".repeat(41);
    });
    await page.click("Log in");
    await page.shows("banner", "At most 40 characters.");
    await page.shows("greeting", "Welcome");
  });

  test.each([
    ["https://localhost", true],
    ["http://localhost", true],
    ["capacitor://localhost", true],
    ["ionic://localhost", true],
    ["app://localhost", true],
    ["http://localhost:5173", true],
    ["https://localhost.example.com", false],
    ["null", false],
  ])("the server answers pages of %s: %s", async (origin, isAllowed) => {
    const response = await fetch(`${server.url}socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    expect(response.headers.get("access-control-allow-origin")).toBe(isAllowed ? origin : null);
  });
});
