import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { beforeEach, describe, expect, test } from "@jest/globals";
import type { RequestSession } from "../../../src/http/request-session.js";
import { describeInBrowser } from "../../support/pages/browser.js";
import { capacitorHttp } from "../../support/pages/capacitor-http.js";
import { type Tab, useClientPages } from "../../support/pages/client-page.js";
import type { Node } from "../../support/servers/nodes.js";

// `session.fetch` where Capacitor has put its own `fetch` in the place of the browser's, and where it has
// not.

type SessionRequest = IncomingMessage & { session: RequestSession };

/** Bytes that are no text: of a picture's beginning. */
const PHOTO = [0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe, 0x00, 0x80];

describeInBrowser("session.fetch of an app", () => {
  const pages = useClientPages();
  let received: { authorization: string | undefined; type: string | undefined; body: Buffer }[];
  /** Where `/away` leads. */
  let elsewhere: string;
  beforeEach(() => {
    received = [];
  });

  async function serve(): Promise<Node> {
    const node = await pages.node();
    const sessions = node.sessions.express();
    const onRequest = async (request: SessionRequest, response: ServerResponse) => {
      const { authorization, "content-type": type } = request.headers;
      received.push({ authorization, type, body: await buffer(request) });
      const [, what, token = ""] = request.url?.split("/") ?? [];
      if (what === "login") await request.session.login("ada");
      if (what === "away") response.writeHead(302, { Location: elsewhere });
      if (token) response.setHeader("Session-Token", token);
      response.end(request.method);
    };
    node.io.httpServer.on("request", (request: SessionRequest, response: ServerResponse) => {
      if (request.url?.startsWith("/socket.io")) return;
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type");
      response.setHeader("Access-Control-Allow-Methods", "PUT");
      response.setHeader("Access-Control-Expose-Headers", "Session-Token");
      if (request.method === "OPTIONS") return void response.end();
      sessions(request, response, () => void onRequest(request, response));
    });
    return node;
  }

  describe.each([true, false])("CapacitorHttp: %s", (isEnabled) => {
    async function open(): Promise<{ node: Node; tab: Tab; token: string }> {
      const node = await serve();
      const tab = await pages.open(
        // By its own XMLHttpRequest the bridge would carry the polling too.
        { url: node.url, io: { transports: ["websocket"] } },
        isEnabled ? { before: capacitorHttp } : {},
      );
      await tab.opened();
      const isReplaced = await tab.page.evaluate(() => String(fetch).includes("CapacitorHttp"));
      expect(isReplaced).toBe(isEnabled);
      return { node, tab, token: await tab.token() };
    }

    test("texts, forms and files arrive whole, with the token", async () => {
      const { node, tab, token } = await open();
      const answers = await tab.run(
        async ({ session }, { url, bytes }) => {
          const photo = new File([new Uint8Array(bytes)], "a.png", { type: "image/png" });
          const form = new FormData();
          form.append("name", "Ada");
          form.append("photo", photo);
          const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"a":"é"}' };
          const given: [string | URL | Request, RequestInit?][] = [
            [`${url}/json`, json],
            [new URL(`${url}/json`), json],
            [new Request(`${url}/json`, json)],
            [`${url}/text`, { method: "PUT", body: "plain é" }],
            [`${url}/query`, { method: "POST", body: new URLSearchParams({ a: "1 2" }) }],
            [`${url}/file`, { method: "POST", body: photo }],
            [`${url}/form`, { method: "POST", body: form }],
          ];
          const answers: string[] = [];
          for (const [input, init] of given)
            answers.push(await session.fetch(input, init).then((answer) => answer.text(), String));
          return answers;
        },
        { url: node.url, bytes: PHOTO },
      );
      expect(answers).toEqual(["POST", "POST", "POST", "PUT", "POST", "POST", "POST"]);
      for (const { authorization } of received) expect(authorization).toBe(`Bearer ${token}`);
      const form = received.pop();
      expect(received.map(({ type, body }) => [type, body.toString("latin1")])).toEqual([
        ...Array(3).fill(["application/json", Buffer.from('{"a":"é"}').toString("latin1")]),
        ["text/plain;charset=UTF-8", Buffer.from("plain é").toString("latin1")],
        ["application/x-www-form-urlencoded;charset=UTF-8", "a=1+2"],
        ["image/png", Buffer.from(PHOTO).toString("latin1")],
      ]);
      const sent = await new Response(new Uint8Array(form?.body ?? []), {
        headers: { "content-type": form?.type ?? "" },
      }).formData();
      expect(sent.get("name")).toBe("Ada");
      expect([...new Uint8Array(await (sent.get("photo") as File).arrayBuffer())]).toEqual(PHOTO);
    });

    test.each(["GET", "POST"])("a new token that comes with a %s is stored", async (method) => {
      const { node, tab, token } = await open();
      const held = await tab.run(
        async ({ session }, { url, method }) => {
          await session.fetch(url, { method });
          return session.token;
        },
        { url: `${node.url}/login`, method },
      );
      expect(held).not.toBe(token);
      expect(held.slice(0, 33)).toBe(token.slice(0, 33));
      expect(await tab.stored(node.url)).toBe(held);
      expect((await tab.at(node.io)).session.userId).toBe("ada");
    });

    test.each(["GET", "POST"])(
      "after a redirect of a %s to another server: shown to nobody, and not believed",
      async (method) => {
        const { node, tab, token } = await open();
        const other = await serve();
        elsewhere = `${other.url}/any/${"0".repeat(32)}.planted`;
        await tab.run(({ session }, { url, method }) => session.fetch(url, { method }), {
          url: `${node.url}/away`,
          method,
        });
        expect(received.map(({ authorization }) => authorization)).toEqual([`Bearer ${token}`, undefined]);
        expect([await tab.token(), await tab.stored(node.url)]).toEqual([token, token]);
      },
    );
  });

  test("CapacitorHttp: a stream is read, and what it has sent as text", async () => {
    const node = await serve();
    const tab = await pages.open(
      { url: node.url, io: { transports: ["websocket"] } },
      { before: capacitorHttp },
    );
    await tab.opened();
    await tab.run(({ session }, url) => {
      const body = new Blob(["one, ", "two"]).stream();
      const init = { method: "POST", body, duplex: "half", headers: { "Content-Type": "text/plain" } };
      return session.fetch(url, init).then((answer) => answer.text());
    }, node.url);
    expect(received.map(({ body }) => body.toString())).toEqual(["one, two"]);
  });
});
