import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import type { DeviceStorage } from "../../../client/adapters/device-storage.js";
import { describeStorage, LONG_KEY, TOKEN } from "../../support/clients/storage-cases.js";
import { AdapterPages, bundlePage, storageOf } from "../../support/pages/adapter-page.js";
import { describeInBrowser } from "../../support/pages/browser.js";

interface Host {
  items: Map<string, string>;
  unreadable: Set<string>;
  failing: boolean;
}
type HostPage = { host: Host };

// Capacitor and the plugins' own JavaScript, over a host that answers as their Java and Swift do
// (pages/capacitor-host.ts).
describeInBrowser("storage adapters on Capacitor's plugins on Android and iOS", () => {
  let pages: AdapterPages;
  const scripts: Record<string, string> = {};
  beforeAll(async () => {
    pages = await AdapterPages.start();
    for (const name of ["capacitor-host", "aparajita", "secure-storage-plugin"]) {
      scripts[name] = await bundlePage(name);
    }
  });
  afterEach(() => pages.closePages());
  afterAll(() => pages?.close());

  const open = (name: string, platform: string) =>
    pages.open([`var platform = "${platform}";`, scripts["capacitor-host"] ?? "", scripts[name] ?? ""]);

  const lock = (page: Page, key: string) =>
    page.evaluate((key) => void (window as unknown as HostPage).host.unreadable.add(key), key);
  const keep = (page: Page, key: string, value: string) =>
    page.evaluate(([key, value]) => void (window as unknown as HostPage).host.items.set(key, value), [
      key,
      value,
    ] as const);
  const failToWrite = (page: Page) =>
    page.evaluate(() => {
      (window as unknown as HostPage).host.failing = true;
    });

  for (const platform of ["android", "ios"]) {
    describeStorage(`capacitor-secure-storage-plugin on ${platform}`, async () => {
      const page = await open("secure-storage-plugin", platform);
      return {
        storage: storageOf(page),
        breakReading: (key) => lock(page, key),
        breakWriting: () => failToWrite(page),
      };
    });

    describeStorage(`@aparajita/capacitor-secure-storage on ${platform}`, async () => {
      const page = await open("aparajita", platform);
      return {
        storage: storageOf(page),
        breakReading: (key) =>
          platform === "android"
            ? lock(page, `capacitor-storage_${key}`)
            : keep(page, `capacitor-storage_${key}`, "no JSON"),
        breakWriting: () => failToWrite(page),
      };
    });

    test(`capacitor-secure-storage-plugin on ${platform}: two writes at once are both right`, async () => {
      const page = await open("secure-storage-plugin", platform);
      await page.evaluate(() => {
        const { storage } = window as unknown as { storage: DeviceStorage };
        return Promise.all([storage.setItem("key", "first"), storage.setItem("key", "second")]);
      });
      expect(await storageOf(page).getItem("key")).toBe("second");
    });

    test(`capacitor-secure-storage-plugin on ${platform}: what is unreadable can be replaced, not removed`, async () => {
      const page = await open("secure-storage-plugin", platform);
      const storage = storageOf(page);
      await storage.setItem(LONG_KEY, "old");
      await lock(page, LONG_KEY);
      await expect(storage.removeItem(LONG_KEY)).rejects.toThrow("does not exist");
      await storage.setItem(LONG_KEY, TOKEN);
      expect(await storage.getItem(LONG_KEY)).toBe(TOKEN);
    });
  }

  test("capacitor-secure-storage-plugin on iOS: a failure that does not say so is not taken for missing", async () => {
    const page = await open("secure-storage-plugin", "ios");
    await lock(page, "key");
    await expect(storageOf(page).getItem("key")).rejects.toThrow("error");
  });

  test("capacitor-secure-storage-plugin on iOS: a removal that fails is an error", async () => {
    const page = await open("secure-storage-plugin", "ios");
    const storage = storageOf(page);
    await storage.setItem("key", TOKEN);
    await failToWrite(page);
    await expect(storage.removeItem("key")).rejects.toThrow("Remove failed");
    expect(await storage.getItem("key")).toBe(TOKEN);
  });

  test("@aparajita/capacitor-secure-storage on iOS: a locked keychain looks empty, as the docs say", async () => {
    const page = await open("aparajita", "ios");
    const storage = storageOf(page);
    await storage.setItem("key", TOKEN);
    await lock(page, "capacitor-storage_key");
    expect(await storage.getItem("key")).toBeNull();
  });
});
