import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { RequestSession } from "../../../src/http/request-session.js";
import { describeInBrowser } from "../../support/pages/browser.js";
import { presentations, type Tab, useClientPages } from "../../support/pages/client-page.js";
import type { ClientGiven } from "../../support/pages/client-page-script.js";
import { gate, type Node, until } from "../../support/servers/nodes.js";
import type { TestServerOptions } from "../../support/servers/server.js";

// A login over HTTP: the answer brings a new token, in place of the one that came with the request.

type SessionRequest = IncomingMessage & { session: RequestSession };

describeInBrowser("a token that session.fetch is answered with", () => {
  const pages = useClientPages();
  /** `Authorization` of the requests, in order. */
  let shown: (string | undefined)[];
  /** What `/login` waits for between the login and its answer. */
  let answering: Promise<unknown>;
  /** Where `/away` leads. */
  let elsewhere: string;

  beforeEach(() => {
    shown = [];
    answering = Promise.resolve();
  });
  // Or a server would wait for an answer that its test has held back.
  afterEach(() => answering);

  /** A server with sessions over HTTP too, whose other answers bring whatever token the path names. */
  async function serve(given: TestServerOptions = {}): Promise<Node> {
    const node = await pages.node(given);
    const sessions = node.sessions.express();
    const onRequest = async (request: SessionRequest, response: ServerResponse) => {
      const [, what, token = ""] = request.url?.split("/") ?? [];
      if (what === "login") {
        await request.session.login("bob");
        await answering;
      }
      if (what === "away") response.writeHead(302, { Location: elsewhere });
      if (token) response.setHeader("Session-Token", token);
      response.end("done");
    };
    node.io.httpServer.on("request", (request: SessionRequest, response: ServerResponse) => {
      if (request.url?.startsWith("/socket.io")) return;
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Access-Control-Allow-Headers", "Authorization");
      response.setHeader("Access-Control-Expose-Headers", "Session-Token");
      if (request.method === "OPTIONS") return void response.end();
      shown.push(request.headers.authorization);
      sessions(request, response, () => void onRequest(request, response));
    });
    return node;
  }

  async function open(session: NonNullable<ClientGiven["session"]> = {}): Promise<{ node: Node; tab: Tab }> {
    const node = await serve();
    const tab = await pages.open({ url: node.url, session });
    await tab.opened();
    return { node, tab };
  }

  const fetchBy = (tab: Tab, address: string) =>
    tab.run(
      ({ session }, address) => session.fetch(address).then((answer) => answer.text(), String),
      address,
    );

  /** Resolves when the server's side of a tab is logged in. */
  const loggedIn = (tab: Tab, { io }: Node) =>
    until(async () => {
      const { session } = await tab.at(io);
      return session.active && session.userId === "bob" && session;
    });

  test("is stored and held before the answer is given, and the socket goes on by it", async () => {
    const { node, tab } = await open();
    const [token, id] = [await tab.token(), await tab.id()];
    const found = await tab.run(async ({ session }, url) => {
      await session.fetch(`${url}/login`);
      const [key = ""] = Object.keys(localStorage);
      const now = [session.token, localStorage.getItem(key) ?? ""];
      await session.fetch(`${url}/next`);
      return now;
    }, node.url);
    const [held = ""] = found;
    expect(held).not.toBe(token);
    expect(held.split(".")[0]).toBe(id);
    expect(found).toEqual([held, held]);
    expect(shown).toEqual([`Bearer ${token}`, `Bearer ${held}`]);
    expect((await loggedIn(tab, node)).id).toBe(id);
    await tab.holds(held);
    expect(await tab.heard()).toEqual([{ name: "start", content: { id, created: true } }]);
    expect(await tab.run(({ tokens, connects }) => [tokens, connects])).toEqual([2, 1]);
  });

  test("reaches the other tabs", async () => {
    const device = await pages.device();
    const node = await serve();
    const [tab, other] = [
      await pages.open({ url: node.url }, { device }),
      await pages.open({ url: node.url }, { device }),
    ];
    await tab.opened();
    await other.holds(await tab.token());
    await fetchBy(tab, `${node.url}/login`);
    await other.holds(await tab.token());
    await loggedIn(other, node);
    expect((await other.heard()).map(({ name }) => name)).toEqual(["start"]);
  });

  test("logs nobody out by coming late: the sockets have presented the old one meanwhile", async () => {
    const device = await pages.device();
    const node = await serve();
    const seen = presentations(node.io);
    const tabs = [await pages.open({ url: node.url }, { device })];
    await tabs[0]?.opened();
    tabs.push(await pages.open({ url: node.url }, { device }));
    const [tab, other] = tabs as [Tab, Tab];
    const token = await tab.token();
    await other.holds(token);
    seen.length = 0;
    const { opened, open: answer } = gate();
    answering = opened;
    const fetched = fetchBy(tab, `${node.url}/login`);
    await until(async () => seen.length >= 2);
    expect(seen.map(({ token }) => token)).toEqual([token, token]);
    answer();
    await fetched;
    expect(await tab.token()).not.toBe(token);
    for (const one of tabs) {
      await one.holds(await tab.token());
      await loggedIn(one, node);
      expect((await one.heard()).map(({ name }) => name)).toEqual(["start"]);
    }
  });

  test("is held, and presented, where it cannot be stored", async () => {
    const { node, tab } = await open();
    const token = await tab.token();
    await tab.page.evaluate(() => {
      Storage.prototype.setItem = () => {
        throw new Error("no room");
      };
    });
    await fetchBy(tab, `${node.url}/login`);
    const held = await tab.token();
    expect(held).not.toBe(token);
    expect(await tab.stored(node.url)).toBe(token);
    expect((await tab.heard("error"))[0]?.content).toEqual({ code: "storage", cause: "Error: no room" });
    await fetchBy(tab, `${node.url}/next`);
    expect(shown[1]).toBe(`Bearer ${held}`);
    await loggedIn(tab, node);
    expect(await tab.token()).toBe(held);
    expect(await tab.heard("end")).toEqual([]);
  });

  test.each<[string, (own: Node, other: Node) => string]>([
    ["by another server", (_, { url }) => `${url}/any/planted`],
    ["by another server, after a redirect to it", ({ url }) => `${url}/away`],
  ])("is not believed %s", async (_, address) => {
    const { node, tab } = await open();
    const other = await serve();
    elsewhere = `${other.url}/any/planted`;
    const token = await tab.token();
    expect(await fetchBy(tab, address(node, other))).toBe("done");
    expect(shown.at(-1)).toBeUndefined();
    expect([await tab.token(), await tab.stored(node.url)]).toEqual([token, token]);
  });

  test("is not believed by another server that is shown the token, where a redirect led to it", async () => {
    const other = await serve();
    const node = await serve();
    elsewhere = `${other.url}/any/planted`;
    const tab = await pages.open({ url: node.url, session: { origins: [node.url, other.url] } });
    await tab.opened();
    const token = await tab.token();
    expect(await fetchBy(tab, `${node.url}/away`)).toBe("done");
    expect(shown).toEqual([`Bearer ${token}`, undefined]);
    expect([await tab.token(), await tab.stored(node.url)]).toEqual([token, token]);
    expect(await fetchBy(tab, `${other.url}/any/given`)).toBe("done");
    // Believed, and presented at once: what it was given opens nothing.
    expect(await tab.token()).not.toBe(token);
    expect(await tab.stored(node.url)).not.toBe(token);
  });

  test("is not believed where the request went out without one", async () => {
    const node = await serve();
    const tab = await pages.open({ url: node.url, io: { autoConnect: false } });
    expect(await fetchBy(tab, `${node.url}/any/planted`)).toBe("done");
    expect(shown).toEqual([undefined]);
    expect([await tab.token(), await tab.stored(node.url)]).toEqual(["", null]);
  });

  test("is not taken where the one that was shown has been forgotten meanwhile", async () => {
    const { node, tab } = await open();
    const token = await tab.token();
    const { opened, open: answer } = gate();
    answering = opened;
    const fetched = fetchBy(tab, `${node.url}/login`);
    await until(async () => shown.length > 0);
    await tab.run(({ session }) => session.forget());
    answer();
    expect(await fetched).toBe("done");
    await tab.opened();
    const now = await tab.token();
    expect(now.split(".")[0]).not.toBe(token.split(".")[0]);
    expect(await tab.stored(node.url)).toBe(now);
  });

  test("asks for no second session where the one after forget() is still being opened", async () => {
    const { opened: welcome, open: welcomeAll } = gate();
    let isHeld = false;
    const node = await serve({
      // After the session of a handshake is there, and before the client hears of it.
      handlers: (io) => io.use((_, next) => void (isHeld ? welcome : Promise.resolve()).then(() => next())),
    });
    const tab = await pages.open({ url: node.url });
    await tab.opened();
    const { opened, open: answer } = gate();
    answering = opened;
    const fetched = fetchBy(tab, `${node.url}/login`);
    await until(async () => shown.length > 0);
    isHeld = true;
    const seen = presentations(node.io);
    await tab.run(({ session }) => session.forget());
    await until(async () => (await pages.rows()).length > 1);
    answer();
    expect(await fetched).toBe("done");
    welcomeAll();
    await tab.opened();
    // Whatever else the page had to ask has been asked when it has confirmed the token of a login.
    await (await tab.at(node.io)).session.login("eve");
    expect(seen).toEqual([{ by: "handshake", token: "" }]);
    expect((await tab.heard("start")).map(({ content }) => content["created"])).toEqual([true, true]);
    expect(await pages.rows()).toHaveLength(2);
  });
});
