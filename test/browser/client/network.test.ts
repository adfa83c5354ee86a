import { expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { describeInBrowser } from "../../support/pages/browser.js";
import { type Tab, useClientPages } from "../../support/pages/client-page.js";
import { type Node, until } from "../../support/servers/nodes.js";

const AN_HOUR_MS = 3_600_000;

describeInBrowser("a page whose connection goes", () => {
  const pages = useClientPages();

  interface Opened {
    node: Node;
    tab: Tab;
    token: string;
    id: string;
  }

  async function open(io: object = {}, before?: (page: Page) => Promise<unknown>): Promise<Opened> {
    const node = await pages.node({ options: { storeTimeout: 1 } });
    const tab = await pages.open({ url: node.url, io }, before ? { before } : {});
    await tab.opened();
    const token = await tab.token();
    return { node, tab, token, id: token.slice(0, 32) };
  }

  /** Stops the server, does that, and starts it again on its port. */
  async function restart({ node, tab }: Opened, meanwhile: () => Promise<unknown>): Promise<Node> {
    await node.close();
    await tab.until(({ socket }) => !socket.connected);
    await meanwhile();
    return pages.node({ port: node.port });
  }

  async function expectSame({ tab, token, id }: Opened, node: Node): Promise<void> {
    await tab.holds(token);
    await until(async () => (await tab.at(node.io).catch(() => undefined))?.session.id === id);
    expect(await tab.stored(node.url)).toBe(token);
    expect(await tab.heard("start")).toEqual([{ name: "start", content: { id, created: true } }]);
    expect(await tab.heard("end")).toEqual([]);
    expect(await pages.rows()).toEqual([id]);
  }

  test("has its session after a restart of the server", async () => {
    const opened = await open();
    const again = await restart(opened, async () => {
      expect(await opened.tab.run(({ session }) => session.state)).not.toBe("open");
    });
    await expectSame(opened, again);
  });

  test("has its session after an outage of the database, and says what the server said", async () => {
    const opened = await open();
    const { node, tab } = opened;
    await node.proxy.down();
    await tab.run(({ socket }) => void socket.io.engine.close());
    await tab.until(({ heard, session }) => session.state === "waiting" && heard.at(-1)?.name === "error");
    expect((await tab.heard("error"))[0]?.content["cause"]).toBe("Session store unavailable");
    expect(await tab.stored(node.url)).toBe(opened.token);
    await node.proxy.up();
    await expectSame(opened, node);
    expect(await tab.heard("error")).toHaveLength(1);
  });

  test("gets its first session once the database is there", async () => {
    const node = await pages.node({ options: { storeTimeout: 1 } });
    await node.proxy.down();
    const tab = await pages.open({ url: node.url });
    await tab.until(({ heard }) => heard.length > 0);
    expect(await tab.run(({ session }) => [session.state, session.token])).toEqual(["waiting", ""]);
    await node.proxy.up();
    await tab.opened();
    const token = await tab.token();
    await expectSame({ node, tab, token, id: token.slice(0, 32) }, node);
  });

  test.each([
    [/expired/i, "update session set expires = unix_timestamp() - 10"],
    [/missing|not found/i, "delete from session"],
  ])(
    "is told that its session is gone (%s) when it comes back, and given a fresh one",
    async (reason, sql) => {
      const opened = await open();
      const { tab, token, id } = opened;
      const again = await restart(opened, () =>
        pages.nodes.database.rows(`${sql} where sessionId = ?`, [id]),
      );
      await tab.opened({ not: id });
      const fresh = await tab.id();
      expect((await tab.heard()).filter(({ name }) => name !== "error")).toEqual([
        { name: "start", content: { id, created: true } },
        { name: "end", content: { reason: expect.stringMatching(reason) } },
        { name: "start", content: { id: fresh, created: true } },
      ]);
      expect(await tab.stored(again.url)).toBe(await tab.token());
      expect(await tab.token()).not.toBe(token);
      expect((await tab.at(again.io)).session.id).toBe(fresh);
    },
  );

  test("reconnects as soon as it is online again", async () => {
    // So long that only what the browser says can be the reason.
    const opened = await open({ reconnectionDelay: AN_HOUR_MS, reconnectionDelayMax: AN_HOUR_MS });
    const { tab, node } = opened;
    await tab.page.context().setOffline(true);
    await tab.until(({ socket, session }) => !socket.connected && session.state === "waiting");
    await until(async () => node.io.sockets.sockets.size === 0);
    await tab.page.context().setOffline(false);
    await expectSame(opened, node);
  });

  const front = (page: Page, isHidden: boolean) =>
    page.evaluate((isHidden) => {
      for (const [name, value] of [
        ["hidden", isHidden],
        ["visibilityState", isHidden ? "hidden" : "visible"],
      ] as const)
        Object.defineProperty(document, name, { configurable: true, get: () => value });
      document.dispatchEvent(new Event("visibilitychange"));
    }, isHidden);

  test.each<[string, (page: Page) => Promise<unknown>]>([
    ["it comes to the front", (page) => front(page, false)],
    ["Cordova resumes it", (page) => page.evaluate(() => document.dispatchEvent(new Event("resume")))],
    ["it hears that it is online", (page) => page.evaluate(() => dispatchEvent(new Event("online")))],
    [
      "all that happens at once",
      (page) =>
        page.evaluate(() => {
          for (let count = 0; count < 3; count++) {
            document.dispatchEvent(new Event("visibilitychange"));
            document.dispatchEvent(new Event("resume"));
            dispatchEvent(new Event("online"));
          }
        }),
    ],
  ])("does not wait any longer when %s", async (_, comeBack) => {
    const opened = await open({ reconnectionDelay: AN_HOUR_MS, reconnectionDelayMax: AN_HOUR_MS });
    const { tab } = opened;
    const again = await restart(opened, async () => {});
    expect(await tab.run(({ socket }) => [socket.active, socket.connected])).toEqual([true, false]);
    await comeBack(tab.page);
    await expectSame(opened, again);
    expect(again.io.sockets.sockets.size).toBe(1);
  });

  test("waits while it is in the background", async () => {
    const opened = await open({ reconnectionDelay: AN_HOUR_MS, reconnectionDelayMax: AN_HOUR_MS });
    const { tab } = opened;
    await front(tab.page, true);
    const again = await restart(opened, async () => {});
    await tab.page.evaluate(() => dispatchEvent(new Event("online")));
    // Its connection would have begun by now.
    expect(await tab.run(({ socket }) => socket.io.engine.readyState)).toBe("closed");
    await front(tab.page, false);
    await expectSame(opened, again);
  });

  test("waits between attempts where the server closes each connection", async () => {
    let opened = 0;
    const node = await pages.node({
      handlers: ({ engine }) =>
        engine.on(
          "connection",
          (connection: { close(): void; once(event: "packet", listener: () => void): void }) => {
            opened++;
            connection.once("packet", () => connection.close());
          },
        ),
    });
    const io = { reconnectionDelay: AN_HOUR_MS, reconnectionDelayMax: AN_HOUR_MS };
    const tab = await pages.open({ url: node.url, io }, { before: (page) => page.clock.install() });
    await tab.until(({ socket }) => (socket.io as never as { _reconnecting: boolean })._reconnecting);
    expect(await tab.run(({ session }) => session.state)).toBe("waiting");
    // Half of the pause may be taken off it at random.
    await tab.page.clock.runFor(AN_HOUR_MS / 4);
    expect(await tab.run(({ socket }) => socket.io.engine.readyState)).toBe("closed");
    expect(opened).toBe(1);
  });

  test("all sockets of a connection come back together", async () => {
    const node = await pages.node({
      attach(sessions, io) {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
      },
    });
    const io = { reconnectionDelay: AN_HOUR_MS, reconnectionDelayMax: AN_HOUR_MS };
    const tab = await pages.open([
      { url: node.url, io },
      { url: `${node.url}/chat`, io },
    ]);
    const chat = tab.client(1);
    for (const one of [tab, chat]) await one.opened();
    await node.close();
    for (const one of [tab, chat]) await one.until(({ socket }) => !socket.connected);
    const again = await pages.node({
      port: node.port,
      attach(sessions, io) {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
      },
    });
    await tab.page.evaluate(() => dispatchEvent(new Event("online")));
    for (const one of [tab, chat]) {
      await one.opened();
      expect((await one.at(again.io)).session.id).toBe(await tab.id());
    }
    expect(await pages.rows()).toEqual([await tab.id()]);
  });
});
