import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { describeStorage, LONG_KEY, TOKEN } from "../../support/clients/storage-cases.js";
import { AdapterPages, bundlePage, fillLocalStorage, storageOf } from "../../support/pages/adapter-page.js";
import { describeInBrowser } from "../../support/pages/browser.js";

// The plugins' own implementations for browsers, as an app that runs there has them.
describeInBrowser("storage adapters on Capacitor's plugins in a browser", () => {
  let pages: AdapterPages;
  const scripts: Record<string, string> = {};
  beforeAll(async () => {
    pages = await AdapterPages.start();
    for (const name of ["preferences", "aparajita", "secure-storage-plugin"]) {
      scripts[name] = await bundlePage(name);
    }
  });
  afterEach(() => pages.closePages());
  afterAll(() => pages?.close());

  const open = (name: string) => pages.open([scripts[name] ?? ""]);

  describeStorage("@capacitor/preferences", async () => {
    const page = await open("preferences");
    return {
      storage: storageOf(page),
      breakReading: () => pages.forbidStorage(page),
      breakWriting: () => fillLocalStorage(page),
    };
  });

  // Text that is not what the plugin writes.
  const damaging = (name: string, prefix: string, damage: string) => async () => {
    const page = await open(name);
    return {
      storage: storageOf(page),
      breakReading: (key: string) =>
        page.evaluate(([key, damage]) => localStorage.setItem(key, damage), [prefix + key, damage] as const),
      breakWriting: () => fillLocalStorage(page),
    };
  };
  describeStorage(
    "@aparajita/capacitor-secure-storage",
    damaging("aparajita", "capacitor-storage_", "no JSON"),
  );
  describeStorage("capacitor-secure-storage-plugin", damaging("secure-storage-plugin", "cap_sec_", "!"));

  test.each([
    ["aparajita", "capacitor-storage_", "17", "not text"],
    ["secure-storage-plugin", "cap_sec_", "", "Empty"],
    ["secure-storage-plugin", "cap_sec_", btoa("%4"), "malformed"],
  ])("%s: what nobody can have kept as a token is an error: %s%j", async (name, prefix, kept, error) => {
    const page = await open(name);
    await page.evaluate(([key, kept]) => localStorage.setItem(key, kept), [`${prefix}key`, kept] as const);
    await expect(storageOf(page).getItem("key")).rejects.toThrow(error);
  });

  test.each(["aparajita", "secure-storage-plugin"])(
    "%s, where the browser allows no storage",
    async (name) => {
      const page = await open(name);
      await pages.forbidStorage(page);
      const storage = storageOf(page);
      await expect(storage.getItem("key")).rejects.toThrow(/sandboxed/);
      await expect(storage.setItem("key", TOKEN)).rejects.toThrow(/sandboxed/);
      await expect(storage.removeItem("key")).rejects.toThrow(/sandboxed/);
    },
  );

  test.each([
    ["preferences", "CapacitorStorage.", TOKEN],
    ["aparajita", "capacitor-storage_", JSON.stringify(TOKEN)],
    ["secure-storage-plugin", "cap_sec_", btoa(TOKEN)],
  ])("%s: a token is kept as an app would keep it by the plugin itself", async (name, prefix, kept) => {
    const page = await open(name);
    await storageOf(page).setItem(LONG_KEY, TOKEN);
    expect(await page.evaluate(() => ({ ...localStorage }))).toEqual({ [prefix + LONG_KEY]: kept });
  });
});
