import { expect, test } from "@jest/globals";
import { connectToBrowser, describeInBrowser } from "../../support/pages/browser.js";
import { newDevice } from "../../support/pages/demo-page.js";

describeInBrowser("the browser that all tests share", () => {
  test("keeps the devices of two test files apart, and ends with one file only that file's", async () => {
    const [one, other] = await Promise.all([connectToBrowser(), connectToBrowser()]);
    try {
      const { context } = await newDevice(one);
      const page = await (await newDevice(other)).context.newPage();
      await page.setContent("<h1>still here</h1>");
      expect([one.contexts().length, other.contexts().length]).toEqual([1, 1]);
      expect(one.contexts()).toEqual([context]);
      await one.close();
      expect(other.isConnected()).toBe(true);
      expect(await page.locator("h1").textContent()).toBe("still here");
    } finally {
      await other.close();
    }
  });
});
