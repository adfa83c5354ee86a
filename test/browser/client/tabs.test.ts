import { expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { describeInBrowser } from "../../support/pages/browser.js";
import { keyFor, Tab, useClientPages } from "../../support/pages/client-page.js";
import type { ClientGiven } from "../../support/pages/client-page-script.js";
import { type Node, until } from "../../support/servers/nodes.js";

// Which session the tabs of a device come to, when they are opened and when several are.

const withoutLocks = (page: Page) =>
  page.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));

/** As in Chrome 69 to 102 and Safari 15.4: there are locks, and no such signal. */
const withoutTimeouts = (page: Page) =>
  page.addInitScript(() => Reflect.deleteProperty(AbortSignal, "timeout"));

describeInBrowser("tabs of a device", () => {
  const pages = useClientPages();

  /** Resolves when all hold what is stored and the server has them on that session; gives its id. */
  async function settled({ url, io, sessions }: Node, tabs: readonly Tab[]): Promise<string> {
    const stored = await until(async () => {
      for (const tab of tabs)
        await tab.until(
          ({ session, socket }, key) =>
            socket.connected && session.state === "open" && session.token === localStorage.getItem(key),
          keyFor(url),
        );
      const tokens = new Set(await Promise.all(tabs.map((tab) => tab.token())));
      const [token = ""] = tokens;
      const handles = await Promise.all(tabs.map((tab) => tab.at(io).catch(() => undefined)));
      const isSame = handles.every(
        (socket) => socket?.session.active && token.startsWith(`${socket.session.id}.`),
      );
      return tokens.size === 1 && isSame && token;
    });
    const id = stored.slice(0, 32);
    expect((await sessions.find(id))?.active).toBe(true);
    return id;
  }

  /** Opens so many tabs of a new device, all at once. */
  async function openAtOnce(given: ClientGiven, count: number, before?: (page: Page) => Promise<unknown>) {
    const device = await pages.device();
    const blank = await Promise.all(Array.from({ length: count }, () => device.newPage()));
    for (const page of blank) await before?.(page);
    await Promise.all(blank.map((page) => page.goto(pages.address(given))));
    return blank.map((page) => new Tab(page));
  }

  test("a first visit makes one session, which is there after a reload", async () => {
    const node = await pages.node();
    const tab = await pages.open({ url: node.url });
    await tab.opened();
    const id = await settled(node, [tab]);
    expect(await tab.heard()).toEqual([{ name: "start", content: { id, created: true } }]);
    await tab.page.reload();
    await tab.opened();
    expect(await settled(node, [tab])).toBe(id);
    expect(await tab.heard()).toEqual([{ name: "start", content: { id, created: false } }]);
    expect(await pages.rows()).toEqual([id]);
  });

  test.each([
    [2, "today", undefined],
    [5, "today", undefined],
    [5, "a browser without AbortSignal.timeout", withoutTimeouts],
  ])(
    "%i of them opened at once on a new device get one session, made once, in %s",
    async (count, _, before) => {
      const node = await pages.node();
      const tabs = await openAtOnce({ url: node.url }, count, before);
      const id = await settled(node, tabs);
      expect(await pages.rows()).toEqual([id]);
      const heard = (await Promise.all(tabs.map((tab) => tab.heard()))).flat();
      expect(heard.filter(({ content }) => content["created"])).toEqual([
        { name: "start", content: { id, created: true } },
      ]);
      expect(heard).toHaveLength(count);
    },
  );

  test.each([2, 5])("%i of them without Web Locks come to one session all the same", async (count) => {
    let together = count;
    const arrived: (() => void)[] = [];
    const node = await pages.node({
      attach(sessions, io) {
        // No session is made before so many have asked for one: each of them gets one of its own.
        io.use((_, next) => {
          if (arrived.push(next) >= together) for (const goOn of arrived.splice(0)) goOn();
        });
        sessions.attach(io);
      },
    });
    async function comeToOne() {
      const tabs = await openAtOnce({ url: node.url }, count, withoutLocks);
      await settled(node, tabs);
      // Who presents too much at a time is cut off.
      for (const tab of tabs) expect(await tab.run(({ connects }) => connects)).toBe(1);
      for (const { page } of tabs) await page.close();
      return (await pages.rows()).length;
    }
    expect(await comeToOne()).toBe(count);
    // Then as it comes: some find what another has stored meanwhile.
    together = 1;
    const rows = await comeToOne();
    expect(rows).toBeGreaterThan(count);
    expect(rows).toBeLessThanOrEqual(2 * count);
  });

  test.each([2, 5])("%i of them whose session has expired come back to one", async (count) => {
    const node = await pages.node();
    const tabs = await openAtOnce({ url: node.url }, count);
    // The second time shows that the first has left nothing behind.
    for (let round = 0; round < 2; round++) {
      const id = await settled(node, tabs);
      await pages.nodes.database.rows("update session set expires = unix_timestamp() - 10");
      // Their connections go; they come back by themselves, all at once.
      for (const { conn } of node.io.sockets.sockets.values()) conn.close();
      for (const tab of tabs) await tab.opened({ not: id });
      const fresh = await settled(node, tabs);
      for (const tab of tabs) {
        const ends = await tab.heard("end");
        for (const { content } of ends) expect(content["reason"]).not.toMatch(/destroyed|forgotten/);
        // Each session ends before the next one starts, also where another tab had the fresh token first.
        const told = (await tab.heard()).map(({ name }) => name).join(" ");
        expect(told).toMatch(/^start( end start)+$/);
        expect(ends.length).toBeGreaterThan(round);
        expect((await tab.heard("start")).at(-1)?.content["id"]).toBe(fresh);
      }
    }
  });

  test.each([
    ["two namespaces of a connection", {}, "/chat"],
    ["two connections", { forceNew: true }, ""],
  ])("%s of one page get one session", async (_, io, path) => {
    const node = await pages.node({
      attach(sessions, io) {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
      },
    });
    for (const before of [undefined, withoutLocks]) {
      const device = await pages.device();
      const tab = await pages.open(
        [
          { url: node.url, io },
          { url: node.url + path, io },
        ],
        { device, ...(before && { before }) },
      );
      const id = await settled(node, [tab, tab.client(1)]);
      if (!before) expect(await pages.rows()).toEqual([id]);
    }
  });
});
