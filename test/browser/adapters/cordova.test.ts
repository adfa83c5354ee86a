import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { describeStorage, LONG_KEY, TOKEN } from "../../support/clients/storage-cases.js";
import { AdapterPages, fillLocalStorage, storageOf } from "../../support/pages/adapter-page.js";
import { describeInBrowser } from "../../support/pages/browser.js";
import {
  cordovaApp,
  ECHO,
  GIVE_DEVICEREADY,
  HOLD_DEVICEREADY,
  NATIVE_STORAGE,
} from "../../support/pages/cordova-app.js";

interface Host {
  items: Map<string, string>;
  unreadable: Set<string>;
  failing: boolean;
  secure: boolean;
  actions: string[];
  held: (() => void)[] | undefined;
}
type HostPage = { host: Host; early: Promise<unknown> };

// Cordova and the plugins' own JavaScript, over a host that answers as their Java and Objective-C do
// (pages/cordova-host.ts).
describeInBrowser("storage adapters on Cordova's plugins", () => {
  let pages: AdapterPages;
  const apps: Record<string, Awaited<ReturnType<typeof cordovaApp>>> = {};
  beforeAll(async () => {
    pages = await AdapterPages.start();
    apps["echo"] = await cordovaApp(ECHO);
    apps["nativestorage"] = await cordovaApp(NATIVE_STORAGE);
  });
  afterEach(() => pages.closePages());
  afterAll(() => pages?.close());

  function open(name: string, platform: string, then = ""): Promise<Page> {
    const { application = "", cordova = "" } = apps[name] ?? {};
    return pages.open([`var platform = "${platform}";`, application, cordova + then]);
  }

  const setHost = (page: Page, state: Partial<Host>) =>
    page.evaluate((state) => void Object.assign((window as unknown as HostPage).host, state), state);
  const lock = (page: Page, key: string) =>
    page.evaluate((key) => void (window as unknown as HostPage).host.unreadable.add(key), key);
  const actions = (page: Page) => page.evaluate(() => (window as unknown as HostPage).host.actions);
  const early = (page: Page) => page.evaluate(() => (window as unknown as HostPage).early);

  for (const [name, platform] of [
    ["echo", "android"],
    ["echo", "ios"],
    ["nativestorage", "android"],
    ["nativestorage", "ios"],
  ] as const) {
    describeStorage(`${name} on ${platform}`, async () => {
      const page = await open(name, platform);
      return {
        storage: storageOf(page),
        breakReading: (key) => lock(page, key),
        breakWriting: () => setHost(page, { failing: true }),
      };
    });
  }

  describeStorage("nativestorage in a browser", async () => {
    const page = await open("nativestorage", "browser");
    return {
      storage: storageOf(page),
      breakReading: (key) => page.evaluate((key) => localStorage.setItem(key, "no JSON"), key),
      breakWriting: () => fillLocalStorage(page),
    };
  });

  describe.each([
    ["echo", ["init", "get", "get"]],
    ["nativestorage", ["getItem", "getItem"]],
  ])("%s and deviceready", (name, asked) => {
    test("called before cordova.js is there: waits, and asks the plugin nothing before deviceready", async () => {
      const page = await open(name, "android", HOLD_DEVICEREADY);
      // The plugins are loaded, and only deviceready is outstanding.
      await page.waitForFunction(
        "cordova.require('cordova/channel').onCordovaReady.state === 2 && 'exec' in cordova",
      );
      expect(await actions(page)).toEqual([]);
      await page.evaluate(GIVE_DEVICEREADY);
      expect(await early(page)).toEqual([null, null]);
      expect((await actions(page)).filter((action) => action !== "keys")).toEqual(asked);
    });

    test("without Cordova each call rejects in the end; once it is there, all is well", async () => {
      const { application = "", cordova = "" } = apps[name] ?? {};
      const scripts = [
        `var platform = "android"; addEventListener("unhandledrejection", () => {});`,
        application,
      ];
      const page = await pages.open(scripts, { before: (page) => page.clock.install() });
      const answer = page.evaluate(() => (window as unknown as HostPage).early.catch(String));
      await page.clock.fastForward(5000);
      expect(await answer).toBe("Error: No deviceready");
      await page.clock.resume();
      await page.addScriptTag({ content: cordova });
      expect(await storageOf(page).getItem("key")).toBeNull();
    });
  });

  describe("echo", () => {
    test("opens once, for all who ask meanwhile", async () => {
      const page = await open("echo", "android");
      await early(page);
      const storage = storageOf(page);
      await storage.setItem("key", TOKEN);
      await Promise.all([storage.getItem("key"), storage.getItem("key")]);
      expect((await actions(page)).filter((action) => action === "init")).toEqual(["init"]);
    });

    test("without a screen lock every call rejects; the next call after it was set succeeds", async () => {
      const page = await open("echo", "android", "host.secure = false; early.catch(() => {});");
      await expect(early(page)).rejects.toThrow("Device is not secure");
      const storage = storageOf(page);
      await expect(storage.getItem("key")).rejects.toThrow("Device is not secure");
      await expect(storage.setItem("key", TOKEN)).rejects.toThrow("Device is not secure");
      await expect(storage.removeItem("key")).rejects.toThrow("Device is not secure");
      expect((await actions(page)).every((action) => action === "init")).toBe(true);
      await setHost(page, { secure: true });
      await storage.setItem("key", TOKEN);
      expect(await storage.getItem("key")).toBe(TOKEN);
    });

    test("opens again after a failure, which may ask the user to unlock", async () => {
      const page = await open("echo", "android");
      await early(page);
      const storage = storageOf(page);
      await storage.setItem("key", TOKEN);
      await lock(page, "key");
      await expect(storage.getItem("key")).rejects.toThrow("Key not found");
      await page.evaluate(() => (window as unknown as HostPage).host.unreadable.clear());
      expect(await storage.getItem("key")).toBe(TOKEN);
      expect((await actions(page)).filter((action) => action === "init")).toEqual(["init", "init"]);
    });

    test("on iOS a locked key is not missing, even if it is not listed", async () => {
      const page = await open("echo", "ios");
      await lock(page, "key");
      await expect(storageOf(page).getItem("key")).rejects.toThrow("User interaction is not allowed");
    });

    test("keeps a token as an app would keep it by the plugin itself", async () => {
      const page = await open("echo", "ios");
      await storageOf(page).setItem(LONG_KEY, TOKEN);
      const items = await page.evaluate(() => [...(window as unknown as HostPage).host.items]);
      expect(items).toEqual([[LONG_KEY, TOKEN]]);
    });
  });

  describe("nativestorage", () => {
    test("two writes at once do not change places, although each has a thread of its own", async () => {
      const page = await open("nativestorage", "android");
      await early(page);
      await setHost(page, { held: [], actions: [] });
      const storage = storageOf(page);
      const writes = Promise.all([storage.setItem("key", "first"), storage.setItem("key", "second")]);
      await page.waitForFunction("host.held.length > 0");
      // The second would be the second here already.
      expect(await actions(page)).toEqual(["setItem"]);
      await page.evaluate(() => {
        const { host } = window as unknown as HostPage;
        const held = host.held ?? [];
        host.held = undefined;
        for (const execute of held.reverse()) execute();
      });
      await writes;
      expect(await storage.getItem("key")).toBe("second");
    });

    test("a removal that fails is an error", async () => {
      const page = await open("nativestorage", "android");
      const storage = storageOf(page);
      await storage.setItem("key", TOKEN);
      await setHost(page, { failing: true });
      await expect(storage.removeItem("key")).rejects.toThrow("Remove operation failed");
      expect(await storage.getItem("key")).toBe(TOKEN);
    });

    test("something else than text is an error", async () => {
      const page = await open("nativestorage", "ios");
      await page.evaluate(() => (window as unknown as HostPage).host.items.set("key", "17"));
      await expect(storageOf(page).getItem("key")).rejects.toThrow("Not text");
    });
  });
});
