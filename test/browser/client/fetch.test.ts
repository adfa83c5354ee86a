import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { listen } from "../../support/listen.js";
import { describeInBrowser } from "../../support/pages/browser.js";
import { keyFor, type Tab, useClientPages } from "../../support/pages/client-page.js";
import type { Node } from "../../support/servers/nodes.js";

describeInBrowser("session.fetch", () => {
  const pages = useClientPages();
  let other: { server: Server; url: string };
  /** What came to the servers: port, path, `Authorization`. */
  let received: { to: number | undefined; path: string | undefined; authorization: string | undefined }[];

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (request.url?.startsWith("/socket.io")) return;
    // Whatever is asked for before: a page of another origin must be let through, or nothing would be proven.
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "Authorization, X-Own");
    if (request.method === "OPTIONS") return void response.end();
    const { authorization } = request.headers;
    received.push({ to: request.socket.localPort, path: request.url, authorization });
    if (request.url === "/away") response.writeHead(302, { Location: `${other.url}/redirected` });
    response.end(`${request.method} ${request.headers["x-own"] ?? ""}`);
  }

  beforeAll(async () => {
    const server = createServer(onRequest);
    other = { server, url: `http://127.0.0.1:${await listen(server)}` };
  });
  afterAll(async () => {
    other.server.closeAllConnections();
    await new Promise((resolve) => other.server.close(resolve));
  });
  beforeEach(() => {
    received = [];
  });

  async function open({
    origins,
    url = (own) => own.url,
  }: {
    origins?: (own: Node) => string[];
    url?: (own: Node) => string;
  } = {}): Promise<{ node: Node; tab: Tab; token: string }> {
    const node = await pages.node();
    node.io.httpServer.on("request", onRequest);
    const tab = await pages.open({ url: url(node), session: origins ? { origins: origins(node) } : {} });
    await tab.opened();
    return { node, tab, token: await tab.token() };
  }

  /** Fetches; resolves to the text of the answer, or why there is none. */
  const fetchBy = (tab: Tab, address: string) =>
    tab.run(
      ({ session }, address) => session.fetch(address).then((answer) => answer.text(), String),
      address,
    );

  test("shows the token to the session's own server", async () => {
    const { node, tab, token } = await open();
    expect(await fetchBy(tab, `${node.url}/api?a=1#b`)).toBe("GET ");
    expect(received).toEqual([{ to: node.port, path: "/api?a=1", authorization: `Bearer ${token}` }]);
    await (await tab.at(node.io)).session.login("bob");
    const rotated = await tab.token();
    expect(rotated).not.toBe(token);
    await fetchBy(tab, node.url);
    expect(received[1]?.authorization).toBe(`Bearer ${rotated}`);
  });

  test("leaves what it is given as it is, beside the token", async () => {
    const { node, tab, token } = await open();
    const answer = await tab.run(async ({ session }, url) => {
      const init = { method: "POST", body: "x", headers: { "X-Own": "1" } };
      const texts = [await session.fetch(new URL(url), init), await session.fetch(new Request(url, init))];
      return Promise.all(texts.map((answer) => answer.text()));
    }, node.url);
    expect(answer).toEqual(["POST 1", "POST 1"]);
    expect(received.map(({ authorization }) => authorization)).toEqual(Array(2).fill(`Bearer ${token}`));
  });

  test("waits for the first token", async () => {
    const node = await pages.node({ options: { storeTimeout: 1 } });
    node.io.httpServer.on("request", onRequest);
    await node.proxy.down();
    const tab = await pages.open({ url: node.url });
    await tab.until(({ heard }) => heard.length > 0);
    const answered = fetchBy(tab, `${node.url}/early`);
    await fetchBy(tab, `${other.url}/meanwhile`);
    expect(received.map(({ path }) => path)).toEqual(["/meanwhile"]);
    await node.proxy.up();
    expect(await answered).toBe("GET ");
    expect(received[1]?.authorization).toBe(`Bearer ${await tab.token()}`);
  });

  test.each<[string, (own: Node) => string]>([
    ["another port", () => `${other.url}/`],
    ["a path that begins like a user's name", ({ port }) => `${other.url}/@127.0.0.1:${port}/`],
    ["a path that has the server's origin in it", ({ url }) => `${other.url}/${url}/`],
    ["a query that has it", ({ url }) => `${other.url}?${url}/`],
    ["a fragment that has it", ({ url }) => `${other.url}/#${url}/`],
    ["backslashes", ({ port }) => `${other.url.replaceAll("/", "\\")}\\@127.0.0.1:${port}/`],
    ["another name of the server's own machine", ({ port }) => `http://localhost:${port}/`],
    ["the page's own origin", () => `${pages.origin}/`],
    ["a relative address", () => "/"],
  ])("shows it to nobody else: %s", async (_, address) => {
    const { node, tab } = await open();
    const at = address(node);
    const toPage = at === "/" || at.startsWith(pages.origin);
    const requested = toPage && tab.page.waitForRequest((request) => request.url() === `${pages.origin}/`);
    await fetchBy(tab, at);
    if (requested) expect((await (await requested).allHeaders())["authorization"]).toBeUndefined();
    expect(received.map(({ authorization }) => authorization)).toEqual(toPage ? [] : [undefined]);
  });

  test("shows it to nobody by a name before the server's address", async () => {
    const { node, tab } = await open();
    const ownName = `${node.url}@${new URL(other.url).host}/`;
    // The browser does not fetch such an address at all.
    expect(await fetchBy(tab, ownName)).toMatch(/TypeError/);
    expect(received).toEqual([]);
  });

  test("does not follow a redirect to another server with it", async () => {
    const { node, tab, token } = await open();
    await fetchBy(tab, `${node.url}/away`);
    expect(received).toEqual([
      { to: node.port, path: "/away", authorization: `Bearer ${token}` },
      { to: Number(new URL(other.url).port), path: "/redirected", authorization: undefined },
    ]);
  });

  test("shows it to origins that are named", async () => {
    const { tab, token, node } = await open({ origins: ({ url }) => [url, other.url] });
    await fetchBy(tab, `${other.url}/api`);
    expect(received[0]?.authorization).toBe(`Bearer ${token}`);
    await fetchBy(tab, `${node.url}/api`);
    expect(received[1]?.authorization).toBe(`Bearer ${token}`);
    await fetchBy(tab, `${other.url.replace("127.0.0.1", "localhost")}/api`);
    expect(received[2]?.authorization).toBeUndefined();
  });

  test.each<[string, (own: Node) => string]>([
    ["with a WebSocket's scheme", ({ url }) => url.replace("http", "ws")],
    ["with a namespace", ({ url }) => `${url}/`],
    ["with a query", ({ url }) => `${url}?version=1`],
    ["without a scheme", ({ url }) => url.replace("http://", "")],
    ["in capitals", ({ url }) => url.replace("http://127.0.0.1", "http://LOCALHOST")],
  ])("knows the server by an address %s", async (name, url) => {
    const { node, tab, token } = await open({ url });
    const own = name === "in capitals" ? node.url.replace("127.0.0.1", "localhost") : node.url;
    await fetchBy(tab, `${own}/api`);
    expect(received[0]?.authorization).toBe(`Bearer ${token}`);
    expect(await tab.page.evaluate((key) => localStorage.getItem(key), keyFor(own))).toBe(token);
  });
});
