import { expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { fillLocalStorage, makeRoom } from "../../support/pages/adapter-page.js";
import { describeInBrowser } from "../../support/pages/browser.js";
import { keyFor, type Tab, useClientPages } from "../../support/pages/client-page.js";
import type { Node } from "../../support/servers/nodes.js";

describeInBrowser("a device whose storage fails", () => {
  const pages = useClientPages();

  /** Closes the connection of a tab, which comes back by itself; expects that it has its session then. */
  async function expectSurvival(node: Node, tab: Tab, { token }: { token: string }): Promise<void> {
    const before = await tab.run(({ socket, connects }) => {
      socket.io.engine.close();
      return connects;
    });
    await tab.until(({ connects }, before) => connects > before, before);
    await tab.holds(token);
    expect((await tab.at(node.io)).session.id).toBe(token.slice(0, 32));
    expect(await tab.heard("end")).toEqual([]);
    expect(await tab.heard("start")).toHaveLength(1);
    expect(await pages.rows()).toContain(token.slice(0, 32));
  }

  const throwing = (page: Page) =>
    page.addInitScript(() =>
      Object.defineProperty(window, "localStorage", {
        get() {
          throw new DOMException("forbidden", "SecurityError");
        },
      }),
    );

  test.each([
    ["forbidden to a page without an origin", { sandbox: true }],
    ["forbidden by the browser's settings", { before: throwing }],
    [
      "not there",
      {
        before: (page: Page) =>
          page.addInitScript(() => Object.defineProperty(window, "localStorage", { value: null })),
      },
    ],
  ])("works in memory, with one warning, where storage is %s", async (_, how) => {
    const node = await pages.node();
    const device = await pages.device();
    const warnings: string[] = [];
    device.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
    const given = { url: node.url, io: { forceNew: true } };
    const tab = await pages.open([given, given], { device, ...how });
    await tab.client(0).opened();
    const token = await tab.token();
    await tab.client(1).holds(token);
    expect(await tab.client(1).id()).toBe(token.slice(0, 32));
    await expectSurvival(node, tab, { token });
    expect(warnings).toEqual([expect.stringMatching(/^tokenSession in memory only$/)]);
    expect(await tab.heard("error")).toEqual([]);
  });

  test("works where storage is full, and says so", async () => {
    const node = await pages.node();
    const device = await pages.device();
    const empty = await pages.open([], { device });
    await fillLocalStorage(empty.page);
    const tab = await pages.open({ url: node.url }, { device });
    await tab.opened();
    const token = await tab.token();
    const [error] = await tab.heard("error");
    expect(error?.content).toEqual({
      code: expect.stringMatching(/^storage/i),
      cause: expect.stringMatching(/QuotaExceeded/),
    });
    expect(await tab.stored(node.url)).toBe(null);
    await expectSurvival(node, tab, { token });
    expect(await pages.rows()).toHaveLength(1);
    await makeRoom(tab.page);
    await expectSurvival(node, tab, { token });
    expect(await tab.stored(node.url)).toBe(token);
  });

  test("keeps a session through a login where storage is full", async () => {
    const node = await pages.node();
    const device = await pages.device();
    const tab = await pages.open({ url: node.url }, { device });
    await tab.opened();
    const old = await tab.token();
    await tab.page.evaluate((key) => localStorage.removeItem(key), keyFor(node.url));
    await fillLocalStorage(tab.page);
    // Nothing is stored that would still be good, so the new token is confirmed from memory.
    await (await tab.at(node.io)).session.login("bob");
    const token = await tab.token();
    expect(token).not.toBe(old);
    const [error] = await tab.heard("error");
    expect(error?.content["cause"]).toMatch(/QuotaExceeded/);
    await expectSurvival(node, tab, { token });
    expect((await tab.at(node.io)).session.userId).toBe("bob");
  });

  test.each([["in the tab itself"], ["in another tab"]])(
    "goes on when storage is cleared %s, and stores the token again",
    async (where) => {
      const node = await pages.node();
      const device = await pages.device();
      const tab = await pages.open({ url: node.url }, { device });
      await tab.opened();
      const token = await tab.token();
      const other = where === "in another tab" ? await pages.open([], { device }) : tab;
      // A second value tells when the first tab has seen what the other did.
      await other.page.evaluate(() => {
        localStorage.clear();
        localStorage.setItem("cleared", "yes");
      });
      await tab.page.waitForFunction(() => localStorage.getItem("cleared"));
      expect(await tab.stored(node.url)).toBe(null);
      expect(await tab.run(({ session }) => [session.token, session.state])).toEqual([token, "open"]);
      await expectSurvival(node, tab, { token });
      expect(await tab.stored(node.url)).toBe(token);
    },
  );

  test("stores the token of a login again where the one before was cleared", async () => {
    const node = await pages.node();
    const tab = await pages.open({ url: node.url });
    await tab.opened();
    await tab.page.evaluate(() => localStorage.clear());
    await (await tab.at(node.io)).session.login("bob");
    const token = await tab.token();
    expect(await tab.stored(node.url)).toBe(token);
    await expectSurvival(node, tab, { token });
  });
});
