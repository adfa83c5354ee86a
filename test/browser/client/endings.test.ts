import { expect, test } from "@jest/globals";
import type { BrowserContext } from "playwright-core";
import { describeInBrowser } from "../../support/pages/browser.js";
import { type Tab, useClientPages } from "../../support/pages/client-page.js";
import { type Node, until } from "../../support/servers/nodes.js";

describeInBrowser("the end of a session", () => {
  const pages = useClientPages();

  interface Both {
    node: Node;
    device: BrowserContext;
    tabs: [Tab, Tab];
    id: string;
  }

  /** Two tabs on one session. */
  async function openBoth({ restart = true } = {}): Promise<Both> {
    const node = await pages.node();
    const device = await pages.device();
    const given = { url: node.url, session: { restart } };
    const first = await pages.open(given, { device });
    await first.opened();
    const second = await pages.open(given, { device });
    await second.opened();
    const id = await first.id();
    expect([await second.id(), await pages.rows()]).toEqual([id, [id]]);
    return { node, device, tabs: [first, second], id };
  }

  /** Resolves when both have a session other than this one, by what the server says too; gives its id. */
  async function expectFresh({ node, tabs, id }: Both): Promise<string> {
    for (const tab of tabs) await tab.opened({ not: id });
    const fresh = await until(async () => {
      const held = await Promise.all(tabs.map((tab) => tab.token()));
      const handles = await Promise.all(tabs.map((tab) => tab.at(node.io).catch(() => undefined)));
      const [{ session: { id: opened = "" } = {} } = {}] = handles;
      return (
        handles.every((socket) => socket?.session.active && socket.session.id === opened) &&
        held.every((token) => token === held[0] && token.startsWith(`${opened}.`)) &&
        opened
      );
    });
    expect(fresh).not.toBe(id);
    expect((await tabs[0].stored(node.url))?.slice(0, 32)).toBe(fresh);
    return fresh;
  }

  /** What both tell of, in order; a session's start by whether it was created. */
  function story(tabs: readonly Tab[]): Promise<unknown[][]> {
    return Promise.all(
      tabs.map(async (tab) =>
        (await tab.heard()).map(({ name, content }) => `${name} ${content["reason"] ?? content["created"]}`),
      ),
    );
  }

  async function expectOut({ node, tabs }: Both, reason: string): Promise<void> {
    for (const tab of tabs) {
      await tab.until(({ session, socket }) => session.state === "ended" && !socket.active);
      expect(await tab.heard("end")).toEqual([{ name: "end", content: { reason } }]);
      expect(await tab.run(({ session }) => [session.token, session.id])).toEqual(["", ""]);
    }
    await until(async () => node.io.sockets.sockets.size === 0);
  }

  test("destroyed: both tabs are told once, and go on together on a fresh one", async () => {
    const both = await openBoth();
    await both.node.sessions.destroy(both.id);
    const fresh = await expectFresh(both);
    const told = await story(both.tabs);
    expect(told.map((each) => each.filter((event) => event === "end destroyed").length)).toEqual([1, 1]);
    expect(told.flat().sort()).toEqual(
      [
        ...["start true", "start false", "end destroyed"],
        ...["start true", "start false", "end destroyed"],
      ].sort(),
    );
    expect(await pages.rows()).toEqual([fresh]);
  });

  test("destroyed, restart off: both stay out; one that begins anew is followed by the other", async () => {
    const both = await openBoth({ restart: false });
    await both.node.sessions.destroy(both.id);
    await expectOut(both, "destroyed");
    expect(await both.tabs[0].stored(both.node.url)).toBe(null);
    expect(await pages.rows()).toEqual([]);
    await both.tabs[1].run(({ socket }) => void socket.connect());
    const fresh = await expectFresh(both);
    expect(await story(both.tabs)).toEqual([
      ["start true", "end destroyed", "start false"],
      ["start false", "end destroyed", "start true"],
    ]);
    expect(await pages.rows()).toEqual([fresh]);
  });

  test("forgotten in one tab: both leave it, its row stays, and they go on on a fresh one", async () => {
    const both = await openBoth();
    await both.tabs[0].run(({ session }) => session.forget());
    const fresh = await expectFresh(both);
    const told = await story(both.tabs);
    expect(told.map((each) => each.filter((event) => event === "end forgotten").length)).toEqual([1, 1]);
    expect(told.flat()).toHaveLength(6);
    expect((await pages.rows()).sort()).toEqual([both.id, fresh].sort());
    expect((await both.node.sessions.find(both.id))?.active).toBe(true);
  });

  test("forgotten, restart off: both stay out; one that begins anew is followed by the other", async () => {
    const both = await openBoth({ restart: false });
    await both.tabs[0].run(({ session }) => session.forget());
    await expectOut(both, "forgotten");
    expect(await both.tabs[0].stored(both.node.url)).toBe("");
    expect(await pages.rows()).toEqual([both.id]);
    await both.tabs[0].run(({ socket }) => void socket.connect());
    const fresh = await expectFresh(both);
    expect(await story(both.tabs)).toEqual([
      ["start true", "end forgotten", "start true"],
      ["start false", "end forgotten", "start false"],
    ]);
    expect((await pages.rows()).sort()).toEqual([both.id, fresh].sort());
  });

  test("forgotten while the other tab is disconnected: that one does not bring it back", async () => {
    const both = await openBoth({ restart: false });
    const [first, second] = both.tabs;
    await second.run(({ socket }) => void socket.disconnect());
    await first.run(({ session }) => session.forget());
    await first.until(({ session }) => session.state === "ended");
    await second.run(({ socket }) => void socket.connect());
    const fresh = await expectFresh(both);
    expect((await pages.rows()).sort()).toEqual([both.id, fresh].sort());
  });

  test("a socket that the application disconnects stays out, and the session stays", async () => {
    const both = await openBoth();
    const [first, second] = both.tabs;
    (await first.at(both.node.io)).disconnect();
    await first.until(({ session }) => session.state === "ended");
    expect(await first.run(({ socket, session }) => [socket.active, session.id])).toEqual([false, both.id]);
    expect(await first.heard("end")).toEqual([]);
    await first.run(({ socket }) => void socket.connect());
    await first.opened();
    expect(await first.id()).toBe(both.id);
    expect((await second.at(both.node.io)).session.id).toBe(both.id);
  });
});
