import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { connectToBrowser, describeInBrowser } from "../../support/pages/browser.js";
import { DemoPage, newDevice } from "../../support/pages/demo-page.js";
import { type Demo, startDemo } from "../../support/pages/demo-server.js";

const LAPTOP =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
const PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";

interface Device {
  context: BrowserContext;
  tab: Page;
  page: DemoPage;
  id: string;
}

describeInBrowser("the demo's list of devices", () => {
  let browser: Browser;
  let database: TestDatabase;
  let demo: Demo;
  let wrong: string[][];
  let contexts: BrowserContext[];
  let laptop: Device;
  let phone: Device;
  let users = 0;
  let user: string;

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

  // Each test has a user of its own, with two devices.
  beforeEach(async () => {
    user = `Ada ${++users}`;
    wrong = [];
    contexts = [];
    laptop = await startDevice(LAPTOP);
    phone = await startDevice(PHONE);
  });

  afterEach(async () => {
    for (const context of contexts) await context.close();
    expect(wrong.flat()).toEqual([]);
  });

  async function startDevice(userAgent: string): Promise<Device> {
    const device = await newDevice(browser, { userAgent, viewport: { width: 390, height: 844 } });
    const { context } = device;
    contexts.push(context);
    wrong.push(device.wrong);
    const tab = await context.newPage();
    const page = new DemoPage(tab);
    await tab.goto(demo.url);
    await page.ready(1);
    return { context, tab, page, id: await page.sessionId() };
  }

  async function logInBoth(): Promise<void> {
    await laptop.page.logIn(user);
    await laptop.page.listsDevices({ id: laptop.id, shows: ["This device"] });
    // Another way to write the same name.
    await phone.page.logIn(`  ${user.toUpperCase()} `);
    await laptop.page.listsDevices(
      { id: laptop.id, shows: ["Chrome on Linux", "This device", "Online"] },
      { id: phone.id, shows: ["Firefox on Android", "Online", "Sign out"] },
    );
    await phone.page.listsDevices(
      { id: phone.id, shows: ["Firefox on Android", "This device", "Online"] },
      { id: laptop.id, shows: ["Chrome on Linux", "Online", "Sign out"] },
    );
  }

  const rowOf = (id: string) => database.rows("select userId from session where sessionId = ?", [id]);

  test("shows nothing before the login, then this device and each that comes, goes and comes back", async () => {
    expect(await laptop.tab.locator("#devices").isVisible()).toBe(false);
    await logInBoth();
    await laptop.page.shows("greeting", `Hello, ${user}`);
    await laptop.page.shows("user-id", user.toLowerCase());
    await laptop.page.said(/^Among your devices: Firefox on Android has logged in\./);
    expect(await rowOf(phone.id)).toEqual([{ userId: user.toLowerCase() }]);
    const item = await laptop.tab.locator(`#device-list li[data-session="${phone.id}"]`).innerText();
    expect(item).toMatch(/app: Pocket Café · language: en-GB/);
    expect(item).toMatch(/Created \w+ \d+, \d{4}, \d+:\d\d \w\w\nLast seen \w+ \d+, \d{4}, \d+:\d\d \w\w/);

    await phone.tab.close();
    await laptop.page.listsDevices(
      { id: laptop.id, shows: ["Online"] },
      { id: phone.id, shows: ["Firefox on Android", "Offline"] },
    );
    await laptop.page.said(/^Among your devices: Firefox on Android is offline\./);
    phone.tab = await phone.context.newPage();
    phone.page = new DemoPage(phone.tab);
    await phone.tab.goto(demo.url);
    await phone.page.ready(2);
    await laptop.page.listsDevices({ id: laptop.id, shows: ["Online"] }, { id: phone.id, shows: ["Online"] });
  });

  test("a device that logs out leaves the list, and sees it no more", async () => {
    await logInBoth();
    await phone.page.click("Log out");
    await phone.page.shows("greeting", "Welcome");
    await phone.tab.locator("#devices").waitFor({ state: "hidden" });
    await laptop.page.listsDevices({ id: laptop.id, shows: ["This device"] });
    await laptop.page.said(/^Among your devices: Firefox on Android is signed out\./);
    expect(await laptop.tab.getByRole("button", { name: "Sign out others" }).isVisible()).toBe(false);
    expect(await phone.page.sessionId()).toBe(phone.id);
    expect(await rowOf(phone.id)).toEqual([{ userId: null }]);
  });

  test("signs out one device, and only that", async () => {
    const tablet = await startDevice(PHONE);
    await logInBoth();
    await tablet.page.logIn(user);
    await laptop.page.listsDevices(
      { id: laptop.id, shows: ["This device"] },
      { id: tablet.id, shows: ["Sign out"] },
      { id: phone.id, shows: ["Sign out"] },
    );
    await laptop.page.signOut(phone.id);
    await laptop.page.said(/^Sent “signOut” with a session id/);
    await phone.page.said(/^Somebody ended this session/);
    await phone.page.otherThan(phone.id);
    await phone.page.shows("greeting", "Welcome");
    const left = [laptop, tablet];
    for (const [own, other] of [left, left.toReversed()] as [Device, Device][]) {
      await own.page.listsDevices(
        { id: own.id, shows: ["This device"] },
        { id: other.id, shows: ["Online"] },
      );
    }
    expect(await rowOf(phone.id)).toEqual([]);
    expect(await phone.tab.locator("#devices").isVisible()).toBe(false);
  });

  test("signs out a device that is not there; when it comes back it begins anew", async () => {
    await logInBoth();
    await phone.tab.close();
    await laptop.page.listsDevices({ id: laptop.id, shows: [] }, { id: phone.id, shows: ["Offline"] });
    await laptop.page.signOut(phone.id);
    await laptop.page.listsDevices({ id: laptop.id, shows: [] });
    phone.tab = await phone.context.newPage();
    phone.page = new DemoPage(phone.tab);
    await phone.tab.goto(demo.url);
    await phone.page.said(/The server said “Session Not Found”/);
    await phone.page.shows("greeting", "Welcome");
  });

  test("signs out all others, of this user alone", async () => {
    const stranger = await startDevice(PHONE);
    await stranger.page.logIn(`${user}x`);
    await stranger.page.listsDevices({ id: stranger.id, shows: ["This device"] });
    const tablet = await startDevice(PHONE);
    await logInBoth();
    await tablet.page.logIn(user);
    await laptop.page.listsDevices(
      { id: laptop.id, shows: [] },
      { id: tablet.id, shows: [] },
      { id: phone.id, shows: [] },
    );
    await laptop.page.click("Sign out others");
    for (const { page, id } of [phone, tablet]) {
      await page.said(/^Another of your devices signed this one out/);
      await page.otherThan(id);
      await page.shows("greeting", "Welcome");
      expect(await rowOf(id)).toEqual([]);
    }
    await laptop.page.listsDevices({ id: laptop.id, shows: ["This device"] });
    await laptop.page.shows("greeting", `Hello, ${user}`);
    await stranger.page.listsDevices({ id: stranger.id, shows: ["This device", "Online"] });
  });

  test("another tab of the device sees it too, by the new token", async () => {
    const otherTab = await phone.context.newPage();
    await otherTab.goto(demo.url);
    const other = new DemoPage(otherTab);
    await other.ready(2);
    await logInBoth();
    await other.listsDevices(
      { id: phone.id, shows: ["This device"] },
      { id: laptop.id, shows: ["Sign out"] },
    );
    expect(await other.sessionId()).toBe(phone.id);
    await other.signOut(laptop.id);
    await laptop.page.shows("greeting", "Welcome");
    for (const page of [phone.page, other]) await page.listsDevices({ id: phone.id, shows: ["This device"] });
  });

  test("the keyboard stays in the card when the device of its button goes", async () => {
    await logInBoth();
    const button = laptop.tab.getByRole("button", { name: /^Sign out Firefox on Android, created / });
    await button.focus();
    await laptop.tab.keyboard.press("Enter");
    await laptop.page.listsDevices({ id: laptop.id, shows: [] });
    await laptop.page.shows("devices-title", "Your devices");
    expect(await laptop.tab.evaluate(() => document.activeElement?.id)).toBe("devices-title");
  });

  test.each([
    [320, 568],
    [390, 844],
    [800, 600],
    [1280, 900],
  ])("nothing is cut off or scrolls sideways at %i × %i", async (width, height) => {
    await logInBoth();
    // A client can say anything of itself.
    const client = JSON.stringify({ device: `<b>${"W".repeat(300)}`, note: "M".repeat(300) });
    await database.rows("update session set client = ? where sessionId = ?", [client, phone.id]);
    await laptop.tab.setViewportSize({ width, height });
    await laptop.tab.reload();
    await laptop.page.listsDevices(
      { id: laptop.id, shows: [] },
      { id: phone.id, shows: ["<b>WWW", "note: MMM", "Sign out"] },
    );
    expect(await laptop.page.tooWide()).toEqual([]);
  });
});
