import { expect, test } from "@jest/globals";
import type { BrowserContext } from "playwright-core";
import { describeInBrowser } from "../../support/pages/browser.js";
import { presentations, type Tab, useClientPages } from "../../support/pages/client-page.js";
import { type Node, until } from "../../support/servers/nodes.js";

describeInBrowser("a new token for one tab", () => {
  const pages = useClientPages();

  /** Tabs of one device, one after the other. */
  async function openTabs(node: Node, count: number): Promise<{ tabs: Tab[]; device: BrowserContext }> {
    const device = await pages.device();
    const tabs: Tab[] = [];
    for (let opened = 0; opened < count; opened++) {
      const tab = await pages.open({ url: node.url }, { device });
      await tab.opened();
      tabs.push(tab);
    }
    return { tabs, device };
  }

  test.each([2, 5])("is taken by all %i of the device, which present it once or twice", async (count) => {
    const node = await pages.node();
    const seen = presentations(node.io);
    const invalid: unknown[] = [];
    node.sessions.on("sessionInvalid", (event) => invalid.push(event));
    const { tabs } = await openTabs(node, count);
    const [first] = tabs as [Tab];
    const old = await first.token();
    const id = await first.id();
    for (const user of ["bob", "eve"]) {
      const before = await first.token();
      seen.length = 0;
      await (await first.at(node.io)).session.login(user);
      await first.until(({ session }, before) => session.token !== before, before);
      const token = await first.token();
      for (const tab of tabs) {
        await tab.holds(token);
        const handle = await until(async () => {
          const { session } = await tab.at(node.io);
          return session.active && session.userId === user && session;
        });
        expect(handle.id).toBe(id);
      }
      expect(await first.stored(node.url)).toBe(token);
      expect(seen.length).toBeLessThanOrEqual(2 * (count - 1));
      expect(seen.length).toBeGreaterThanOrEqual(count - 1);
    }
    expect(await first.token()).not.toBe(old);
    expect(invalid).toEqual([]);
    for (const tab of tabs) {
      expect(await tab.run(({ connects }) => connects)).toBe(1);
      expect(await tab.heard()).toHaveLength(1);
    }
    expect(await pages.rows()).toEqual([id]);
  });

  // Here storage tells nobody: it does so in other pages only.
  test.each([
    ["another connection", { forceNew: true }, ""],
    ["another namespace", {}, "/chat"],
  ])("is taken by %s of the same page", async (_, io, namespace) => {
    const node = await pages.node({
      attach(sessions, io) {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
      },
    });
    const seen = presentations(node.io);
    const tab = await pages.open([
      { url: node.url, io },
      { url: node.url + namespace, io },
    ]);
    const other = tab.client(1);
    await other.opened();
    await tab.opened();
    seen.length = 0;
    await (await tab.at(node.io)).session.login("bob");
    await other.holds(await tab.token());
    const { session } = await other.at(node.io);
    await until(async () => session.active && session.userId === "bob");
    expect(session.id).toBe(await tab.id());
    expect(await other.run(({ connects }) => connects)).toBe(1);
    expect(seen.length).toBeLessThanOrEqual(2);
  });

  test("is taken at the next connection by a tab that was away", async () => {
    const node = await pages.node();
    const { tabs, device } = await openTabs(node, 2);
    const [first, second] = tabs as [Tab, Tab];
    await second.run(({ socket }) => void socket.disconnect());
    await (await first.at(node.io)).session.login("bob");
    const token = await first.token();
    await second.run(({ socket }) => void socket.connect());
    await second.holds(token);
    expect((await second.at(node.io)).session.userId).toBe("bob");
    expect(await device.pages()).toHaveLength(2);
  });

  test("is one for all where each tab asks for one at the same time", async () => {
    const node = await pages.node();
    const invalid: unknown[] = [];
    node.sessions.on("sessionInvalid", (event) => invalid.push(event));
    const { tabs } = await openTabs(node, 3);
    const [first] = tabs as [Tab];
    const id = await first.id();
    const sockets = await Promise.all(tabs.map((tab) => tab.at(node.io)));
    const outcomes = await Promise.allSettled(sockets.map(({ session }) => session.regenerate()));
    expect(outcomes.map(({ status }) => status)).toContain("fulfilled");
    const token = await until(async () => {
      const stored = (await first.stored(node.url)) ?? "";
      const held = await Promise.all(tabs.map((tab) => tab.token()));
      const handles = await Promise.all(tabs.map((tab) => tab.at(node.io).catch(() => undefined)));
      const isOne =
        held.every((token) => token === stored) && handles.every((socket) => socket?.session.active);
      return isOne && stored;
    });
    expect(token.slice(0, 32)).toBe(id);
    expect(await pages.rows()).toEqual([id]);
    expect(invalid).toEqual([]);
  });
});
