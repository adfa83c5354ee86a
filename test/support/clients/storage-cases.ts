import { beforeEach, describe, expect, test } from "@jest/globals";
import type { DeviceStorage } from "../../../client/adapters/device-storage.js";

/** A storage with nothing in it, and the two ways in which it can fail. */
export interface StorageRig {
  storage: DeviceStorage;
  /** From now on this key cannot be read, although it is there. */
  breakReading(key: string): Promise<unknown>;
  /** From now on nothing more can be written; what is there stays. */
  breakWriting(): Promise<unknown>;
}

export const LONG_KEY = "socket.io-token-session.https___your.server_3000__work";
export const TOKEN = `${"0af3".repeat(8)}.${"aZ_-9".repeat(8)}abc`;

/** What the client relies on, the same for every storage. */
export function describeStorage(what: string, start: () => Promise<StorageRig>): void {
  describe(what, () => {
    let rig: StorageRig;
    beforeEach(async () => {
      rig = await start();
    });

    test("a missing key is null, with others there too", async () => {
      expect(await rig.storage.getItem("key")).toBeNull();
      await rig.storage.setItem("other", TOKEN);
      expect(await rig.storage.getItem("key")).toBeNull();
    });

    test.each([
      ["a token", TOKEN],
      ["a token of the old package", "5f4dcc3b5aa765d61d8327deb882cf99"],
      ["text that looks like a date", "2026-01-02T03:04:05.678Z"],
      ["quotes and signs", `"'\\ %41 % = {"a":[1]} null\n\t`],
      ["emoji and umlauts", "🥐 Müller 日本語"],
      ["200 characters", "x".repeat(200)],
      ["a percent sign", "%"],
      ["the word null", "null"],
    ])("keeps %s", async (_what, value) => {
      await rig.storage.setItem("key", value);
      expect(await rig.storage.getItem("key")).toBe(value);
    });

    test('"" is kept, is not missing, and can be removed', async () => {
      await rig.storage.setItem("key", "");
      expect(await rig.storage.getItem("key")).toBe("");
      await rig.storage.removeItem("key");
      expect(await rig.storage.getItem("key")).toBeNull();
    });

    test("a later value takes the place of the earlier one", async () => {
      await rig.storage.setItem("key", "first");
      await rig.storage.setItem("key", "");
      await rig.storage.setItem("key", "third");
      expect(await rig.storage.getItem("key")).toBe("third");
    });

    test("keys do not mix, long ones with all signs that we use too", async () => {
      const keys = [LONG_KEY, `${LONG_KEY}2`, "token"];
      for (const key of keys) await rig.storage.setItem(key, `of ${key}`);
      for (const key of keys) expect(await rig.storage.getItem(key)).toBe(`of ${key}`);
      await rig.storage.removeItem(LONG_KEY);
      expect(await rig.storage.getItem(LONG_KEY)).toBeNull();
      expect(await rig.storage.getItem(`${LONG_KEY}2`)).toBe(`of ${LONG_KEY}2`);
    });

    test("lists its keys, and no others", async () => {
      expect(await rig.storage.getKeys()).toEqual([]);
      for (const key of [LONG_KEY, "key", "token"]) await rig.storage.setItem(key, TOKEN);
      await rig.storage.removeItem("key");
      expect([...(await rig.storage.getKeys())].sort()).toEqual([LONG_KEY, "token"]);
    });

    test("what is removed is missing; removing what is missing is no error", async () => {
      await rig.storage.removeItem("key");
      await rig.storage.setItem("key", TOKEN);
      await rig.storage.removeItem("key");
      expect(await rig.storage.getItem("key")).toBeNull();
      await rig.storage.removeItem("key");
      await rig.storage.setItem("key", "again");
      expect(await rig.storage.getItem("key")).toBe("again");
    });

    test("what cannot be read is an error, not missing, each time", async () => {
      await rig.storage.setItem("key", TOKEN);
      await rig.breakReading("key");
      await expect(rig.storage.getItem("key")).rejects.toThrow();
      await expect(rig.storage.getItem("key")).rejects.toThrow();
    });

    test("a write that fails is an error, and what was there stays", async () => {
      await rig.storage.setItem("key", "before");
      await rig.breakWriting();
      await expect(rig.storage.setItem("key", "y".repeat(200))).rejects.toThrow();
      expect(await rig.storage.getItem("key")).toBe("before");
      await expect(rig.storage.setItem("other", "y".repeat(200))).rejects.toThrow();
      expect(await rig.storage.getItem("other")).toBeNull();
    });
  });
}
