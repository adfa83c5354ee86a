import { expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { type SwallowingProxy, startSwallowingProxy } from "../../support/clients/swallowing-proxy.js";
import { describeInBrowser } from "../../support/pages/browser.js";
import { type Tab, useClientPages } from "../../support/pages/client-page.js";
import { until } from "../../support/servers/nodes.js";

const ALIVE_WITHIN_MS = 12_000;
/** So far apart that no ping tells the page that its connection is dead. */
const NO_PINGS = { pingInterval: 3_600_000, pingTimeout: 3_600_000 };

describeInBrowser("a connection that is dead without anybody knowing", () => {
  const pages = useClientPages();

  async function open(transports: string[]) {
    const node = await pages.node({ io: { cors: { origin: "*" }, ...NO_PINGS } });
    const proxy = await startSwallowingProxy(node.port);
    const tab = await pages.open(
      { url: proxy.url, io: { transports } },
      { before: (page) => page.clock.install() },
    );
    await tab.opened();
    if (transports.length > 1)
      await tab.until(({ socket }) => socket.io.engine.transport.name === "websocket");
    return { node, proxy, tab, token: await tab.token() };
  }

  const resume = (page: Page) => page.evaluate(() => document.dispatchEvent(new Event("resume")));

  /** The page comes to the front; resolves when it has presented its token in vain. */
  async function resumeInVain(tab: Tab, proxy: SwallowingProxy): Promise<void> {
    const swallowed = proxy.swallow();
    await resume(tab.page);
    await swallowed;
    await tab.until(({ session }) => session.state === "opening");
  }

  /**
   * The browser may have kept dead connections for later requests; Socket.IO finds out about each after 20
   * seconds.
   */
  function untilBack(tab: Tab): Promise<boolean> {
    return until(async () => {
      await tab.page.clock.runFor(1_000);
      return tab.run(({ session }) => session.state === "open");
    });
  }

  test.each([[["websocket"]], [["polling", "websocket"]], [["polling"]]])(
    "is found out within twelve seconds of coming to the front, by %j",
    async (transports) => {
      const { node, proxy, tab, token } = await open(transports);
      try {
        // By the page's clock, which goes on by itself too: on a busy machine the page may be back before it
        // is asked again.
        await tab.run(({ socket }) => {
          const times = Object.assign(globalThis, { resumedAt: Date.now(), lostAt: Number.NaN });
          socket.once("disconnect", () => Object.assign(times, { lostAt: Date.now() }));
        });
        await resumeInVain(tab, proxy);
        await tab.page.clock.runFor(ALIVE_WITHIN_MS);
        const lostAfterMs = await tab.run(() => {
          const { resumedAt, lostAt } = globalThis as unknown as Record<"resumedAt" | "lostAt", number>;
          return lostAt - resumedAt;
        });
        expect(lostAfterMs).toBeGreaterThanOrEqual(ALIVE_WITHIN_MS);
        await untilBack(tab);
        expect(await tab.token()).toBe(token);
        expect((await tab.at(node.io)).session.id).toBe(token.slice(0, 32));
        expect(await tab.heard()).toHaveLength(1);
        expect(await pages.rows()).toEqual([token.slice(0, 32)]);
      } finally {
        await proxy.close();
      }
    },
  );

  test("is one that lives, if the server answers", async () => {
    const { proxy, tab, token } = await open(["websocket"]);
    try {
      const before = await tab.run(({ socket, gotTokens }) => ({ id: socket.id, gotTokens }));
      await resume(tab.page);
      await tab.until(({ gotTokens }, before) => gotTokens > before.gotTokens, before);
      await tab.holds(token);
      await tab.page.clock.runFor(2 * ALIVE_WITHIN_MS);
      expect(await tab.run(({ socket, connects }) => [socket.id, socket.connected, connects])).toEqual([
        before.id,
        true,
        1,
      ]);
    } finally {
      await proxy.close();
    }
  });
});
