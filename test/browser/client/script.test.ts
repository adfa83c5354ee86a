import { expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import type { tokenSession } from "../../../client/index.js";
import { describeInBrowser } from "../../support/pages/browser.js";
import { keyFor, useClientPages } from "../../support/pages/client-page.js";
import type { Node } from "../../support/servers/nodes.js";

interface Globals {
  tokenSession: typeof tokenSession;
  io: Window["io"] & { connectWithSession: Window["io"] };
}

describeInBrowser("the script-tag file as the server serves it, on a page of its own", () => {
  const pages = useClientPages();

  /** A page with these scripts, or texts of scripts, before anything is connected. */
  async function load(
    scripts: readonly string[],
    before?: (page: Page) => unknown,
  ): Promise<{ node: Node; page: Page }> {
    const node = await pages.node();
    node.io.httpServer.on("request", ({ url = "" }, response) => {
      if (url.startsWith("/socket.io/")) return;
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      const tags = scripts
        .map((src) => (src.startsWith("/") ? `<script src="${src}"></script>` : `<script>${src}</script>`))
        .join("");
      response.end(`<!doctype html><title>app</title><link rel="icon" href="data:,">${tags}`);
    });
    const page = await (await pages.device()).newPage();
    before?.(page);
    await page.goto(node.url);
    return { node, page };
  }

  const SOCKET_IO = "/socket.io/socket.io.js";
  const OURS = "/socket.io/socket.io-token-session.js";

  async function expectSession(node: Node, page: Page, { id, token }: { id: string; token: string }) {
    expect(await page.evaluate((key) => localStorage.getItem(key), keyFor(node.url))).toBe(token);
    expect(token.slice(0, 32)).toBe(id);
    const [socket] = await node.io.fetchSockets();
    expect(node.io.sockets.sockets.get(socket?.id ?? "")?.session.id).toBe(id);
    expect(await pages.rows()).toEqual([id]);
  }

  test("gives a global function", async () => {
    const { node, page } = await load([SOCKET_IO, OURS]);
    const opened = await page.evaluate(async () => {
      const { io, tokenSession } = window as unknown as Globals;
      const session = tokenSession(io());
      await session.ready;
      return { id: session.id, token: session.token };
    });
    await expectSession(node, page, opened);
  });

  test("needs no globalThis, which the test itself cannot do without either", async () => {
    // What the page says of itself comes to the test without a script of the test's.
    let said: Promise<string> | undefined;
    const { node, page } = await load(
      [
        "window.everything = globalThis; delete window.globalThis;",
        SOCKET_IO,
        OURS,
        `const session = tokenSession(io());
        session.ready
          .then(() => session.fetch("/"))
          .then(() => new Promise((back) => { session.on("state", ({ state }) => state === "open" && back()); session.resume(); }))
          .then(() => console.log(JSON.stringify({ id: session.id, token: session.token, isThere: typeof globalThis })))
          .then(() => { window.globalThis = window.everything; });`,
      ],
      (page) => {
        said = page.waitForEvent("console").then((message) => message.text());
      },
    );
    const { isThere, ...opened } = JSON.parse((await said) ?? "");
    expect(isThere).toBe("undefined");
    await expectSession(node, page, opened);
  });

  test.each([["without an address"], ["with one"]])(
    "gives io.connectWithSession, as apps call it, %s",
    async (how) => {
      const { node, page } = await load([SOCKET_IO, OURS]);
      const opened = await page.evaluate(
        async (url) => {
          const { io, tokenSession } = window as unknown as Globals;
          const socket = url ? io.connectWithSession(url, { reconnection: false }) : io.connectWithSession();
          const session = tokenSession(socket);
          await session.ready;
          return { id: session.id, token: session.token, nsp: socket.disconnected };
        },
        how === "with one" ? node.url : "",
      );
      await expectSession(node, page, opened);
      await page.reload();
      const again = await page.evaluate(async () => {
        const { io, tokenSession } = window as unknown as Globals;
        const session = tokenSession(io.connectWithSession());
        await session.ready;
        return session.token;
      });
      expect(again).toBe(opened.token);
    },
  );

  test("leaves Socket.IO alone where it comes before it", async () => {
    const { node, page } = await load([OURS, SOCKET_IO]);
    const opened = await page.evaluate(async () => {
      const { io, tokenSession } = window as unknown as Globals;
      const session = tokenSession(io());
      await session.ready;
      return { id: session.id, token: session.token, isThere: "connectWithSession" in io };
    });
    expect(opened.isThere).toBe(false);
    await expectSession(node, page, opened);
  });
});
