import { describe, expect, test } from "@jest/globals";
import { tokenSession } from "../../../src/index.js";
import { memoryStore } from "../../../src/stores/memory.js";
import { type Act, addApp, frameworks } from "../../support/http/http-apps.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// The bridge that keeps a web page's token in an httpOnly cookie, without the page
// (test/browser/client/http-only-cookie has one).

const nodes = useNodes();
const SECRET = "a secret of at least 32 characters";

const act: Act = async (session, path) => {
  if (path === "/start") await session.start();
  if (path === "/login") await session.login("ada");
  return { id: session.id, userId: session.userId };
};

/** The cookie that an answer sets, as a browser sends it back. */
const cookieOf = (response: Response) => response.headers.get("set-cookie")?.split(";")[0] ?? "";

describe.each(frameworks)("%s", (framework) => {
  async function server() {
    const node = await nodes.node({ options: { cookieSecret: SECRET } });
    const addressOf = (request: { headers: object }) =>
      (request.headers as { "x-address"?: string })["x-address"];
    await addApp(framework, node, act, { cookie: {}, addressOf });
    const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
      fetch(`${node.url}${path}`, { method, headers });
    /** A page's first visit. */
    async function firstVisit() {
      const told = await ask("/session");
      const before = cookieOf(told);
      const socket = node.client({ auth: { token: (await told.json()).ticket, confirm: true } });
      socket.on("gotToken", (_, confirm) => confirm?.());
      const { token: ticket } = await gotToken(socket);
      const exchange = (cookie: string) => ask("/session", { "session-ticket": ticket, cookie }, "POST");
      const exchanged = await exchange(before);
      return { socket, exchange, exchanged, cookie: cookieOf(exchanged), id: ticket.slice(0, 32) };
    }
    return { node, ask, firstVisit };
  }

  test("a ticket for a cookie, a cookie for a ticket, and one session by both", async () => {
    const { node, ask, firstVisit } = await server();
    const { exchanged, cookie, id } = await firstVisit();
    expect(await exchanged.json()).toEqual({ token: `${id}.cookie` });
    expect(exchanged.headers.get("set-cookie")).toMatch(
      new RegExp(
        `^session-token=${id}\\.[\\w-]{43}; Max-Age=7776000; Path=/; HttpOnly; Secure; SameSite=Lax$`,
      ),
    );
    expect(exchanged.headers.get("cache-control")).toBe("no-store");
    const told = await (await ask("/session", { cookie })).json();
    expect(told).toEqual({
      token: `${id}.cookie`,
      ticket: expect.stringMatching(new RegExp(`^${id}\\.cookie~`)),
    });
    const back = node.client({ auth: { token: told.ticket, confirm: true } });
    expect(await gotToken(back)).toMatchObject({ token: `${id}.cookie`, errors: "", created: false });
    expect(await (await ask("/", { cookie })).json()).toMatchObject({ id });
    expect(await (await ask("/", { cookie, authorization: `Bearer ${id}.cookie` })).json()).toMatchObject({
      id,
    });
  });

  test("nothing without a cookie; and a cookie is forgotten", async () => {
    const { ask, firstVisit } = await server();
    const told = await (await ask("/session")).json();
    expect(told).toEqual({ token: "", ticket: expect.stringMatching(/^\.cookie~/), kept: false });
    const { cookie } = await firstVisit();
    const gone = await ask("/session", { cookie }, "DELETE");
    expect(await gone.json()).toEqual({ token: "" });
    expect(gone.headers.get("set-cookie")).toMatch(/^session-token=; Max-Age=0; /);
  });

  test("the token is not in what Socket.IO tells other servers of a socket", async () => {
    const { node, ask, firstVisit } = await server();
    const { cookie } = await firstVisit();
    const { ticket } = await (await ask("/session", { cookie })).json();
    const extraHeaders = { cookie: `a=1; ${cookie}; b=2` };
    const client = node.client({ auth: { token: ticket }, extraHeaders });
    await gotToken(client);
    const shown = (await node.io.fetchSockets()).map(({ handshake }) => handshake);
    expect(shown.map(({ headers }) => headers.cookie)).toContain("a=1; b=2");
    expect(JSON.stringify(shown)).not.toContain(cookie.split("=")[1]);
  });

  test("the first ticket too is for one browser alone", async () => {
    const { ask, firstVisit } = await server();
    const { exchange, exchanged } = await firstVisit();
    expect(exchanged.status).toBe(200);
    const another = cookieOf(await ask("/session"));
    for (const cookie of ["", another, "session-token=nonsense"]) {
      const response = await exchange(cookie);
      expect([response.status, response.headers.get("set-cookie")]).toEqual([403, null]);
    }
  });

  test("a login over HTTP changes the cookie, and the token is in no other header", async () => {
    const { ask, firstVisit } = await server();
    const { cookie, id } = await firstVisit();
    const response = await ask("/login", { cookie }, "POST");
    expect(await response.json()).toEqual({ id, userId: "ada" });
    expect(response.headers.get("session-token")).toBeNull();
    const fresh = cookieOf(response);
    expect(fresh).not.toBe(cookie);
    expect(await (await ask("/", { cookie: fresh })).json()).toEqual({ id, userId: "ada" });
    expect(await (await ask("/", { cookie })).json()).toEqual({ userId: "" });
  });

  test("a socket that has presented another one's new token can be given the next, for the cookie that there is then", async () => {
    const { node, ask, firstVisit } = await server();
    const { socket, cookie } = await firstVisit();
    const asked = next(socket, "tokenChanged");
    const fresh = cookieOf(await ask("/login", { cookie }, "POST"));
    await asked;
    const { ticket } = await (await ask("/session", { cookie: fresh })).json();
    const taken = gotToken(socket);
    socket.emit("getToken", { token: ticket, confirm: true });
    expect(await taken).toMatchObject({ created: false });
    const offered = gotToken(socket);
    const rotated = node.io.sockets.sockets.get(socket.id as string)?.session.login("bob");
    const { token } = await offered;
    const exchanged = await ask("/session", { "session-ticket": token, cookie: fresh }, "POST");
    expect(exchanged.status).toBe(200);
    await rotated;
    expect(await (await ask("/", { cookie: cookieOf(exchanged) })).json()).toMatchObject({ userId: "bob" });
  });

  test("a session that begins by HTTP: in a cookie for this host's pages, in the header for apps", async () => {
    const { node, ask } = await server();
    const host = new URL(node.url).host;
    for (const headers of [{ origin: `https://${host}` }, { "sec-fetch-site": "same-origin" }]) {
      const ofPage = await ask("/start", headers as Record<string, string>, "POST");
      expect([cookieOf(ofPage).slice(0, 14), ofPage.headers.get("session-token")]).toEqual([
        "session-token=",
        null,
      ]);
    }
    const ofApp = await ask("/start", { origin: "capacitor://localhost" }, "POST");
    expect([cookieOf(ofApp), typeof ofApp.headers.get("session-token")]).toEqual(["", "string"]);
  });

  test("no cookie for what a page of another origin begins, whatever it says that it has", async () => {
    const { ask } = await server();
    const response = await ask(
      "/start",
      { origin: "https://evil.example", authorization: "Bearer .cookie" },
      "POST",
    );
    expect([cookieOf(response), typeof response.headers.get("session-token")]).toEqual(["", "string"]);
  });

  test("what a page of another origin has embedded, an image perhaps, has no session", async () => {
    const { ask, firstVisit } = await server();
    const { cookie, id } = await firstVisit();
    expect(await (await ask("/", { cookie, "sec-fetch-site": "same-origin" })).json()).toMatchObject({ id });
    for (const site of ["cross-site", "same-site"])
      expect(await (await ask("/", { cookie, "sec-fetch-site": site })).json()).toEqual({ userId: "" });
    expect((await ask("/session", { cookie, "sec-fetch-site": "same-site" })).status).toBe(403);
  });

  test("a ticket is answered by a stand-in, also where something else is presented before the answer", async () => {
    const { node, ask, firstVisit } = await server();
    const { cookie, id } = await firstVisit();
    const { ticket } = await (await ask("/session", { cookie })).json();
    const script = node.client();
    await next(script, "connect");
    const heard: string[] = [];
    script.on("gotToken", ({ token }) => heard.push(token));
    const second = new Promise((resolve) => {
      script.emit("getToken", { token: ticket });
      script.emit("getToken", { token: "nonsense" }, resolve);
    });
    expect(await second).toMatchObject({ created: true });
    expect(heard[0]).toBe(`${id}.cookie`);
    expect(heard[1]).toMatch(/^\w{32}\.cookie~/);
  });

  test.each([
    ["none", undefined],
    ["nonsense", "nonsense"],
    ["a stand-in", `${"0".repeat(32)}.cookie`],
    ["one that was made elsewhere", `${"0".repeat(32)}.cookie~${"A".repeat(200)}`],
  ])("no cookie for a ticket that is none: %s", async (_, ticket) => {
    const { ask } = await server();
    const response = await ask("/session", ticket === undefined ? {} : { "session-ticket": ticket }, "POST");
    expect([response.status, response.headers.get("set-cookie")]).toEqual([403, null]);
  });

  test("so many exchanges for one address", async () => {
    const { ask } = await server();
    // Sixty at once, then one a second: more than a busy machine would let through by being slow.
    const one = () => ask("/session", { "x-address": "one" }, "POST");
    const responses = await Promise.all(Array.from({ length: 120 }, one));
    const refused = responses.filter(({ status }) => status === 429);
    expect(responses.filter(({ status }) => status === 403).length).toBeGreaterThanOrEqual(60);
    expect(refused.length).toBeGreaterThan(0);
    expect(await refused[0]?.json()).toMatchObject({ code: "SESSION_TOO_MANY" });
    expect((await ask("/session", { "x-address": "another" }, "POST")).status).toBe(403);
  });

  test("a ticket that opens nothing ends no session: the page is to fetch a better one", async () => {
    const { node, ask, firstVisit } = await server();
    const { cookie } = await firstVisit();
    const { ticket } = await (await ask("/session", { cookie })).json();
    const spoilt = node.client({ auth: { token: `${ticket.slice(0, -4)}AAAA` } });
    expect(await gotToken(spoilt)).toEqual({ token: "", errors: "Session store unavailable" });
    const message = gotToken(spoilt);
    spoilt.emit("getToken", { token: ticket });
    expect(await message).toMatchObject({ created: false });
  });
});

test.each([
  [{ cookie: { url: "session" } }],
  [{ cookie: { name: "a b" } }],
  [{ cookie: { sameSite: "none" } }],
  [{ cookie: { sameSite: "sometimes" } }],
  [{ cookie: { secure: "yes" } }],
  [{ cookie: { origins: "https://app.example" } }],
  [{ cookie: { origins: ["https://app.example/page"] } }],
  [{ cookie: { path: "/" } }],
  [{ cookie: { domain: "a b;" } }],
  [{ cookie: true }],
  [{ required: true, lazy: true }],
  [{ required: "yes" }],
  [{ addressOf: "me" }],
  [{ secret: "x" }],
])("refuses %j", async (options) => {
  const sessions = tokenSession({ store: memoryStore(), logger: false, cookieSecret: SECRET });
  expect(() => sessions.express(options as never)).toThrow(
    expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
  );
  await sessions.close();
});

test("a cookie needs a secret", async () => {
  const sessions = tokenSession({ store: memoryStore(), logger: false });
  expect(() => sessions.koa({ cookie: {} })).toThrow(
    expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
  );
  await sessions.close();
});

const OTHER = "another one of at least 32 characters";

test.each<[string, unknown]>([
  ["a short text", "a secret that is short"],
  ["no text", 7],
  ["null", null],
  ["an empty list", []],
  ["a list with a short one", [SECRET, "a secret that is short"]],
  ["a list with a variable that is not set", [SECRET, undefined]],
  ["a list with a gap", [SECRET].concat(new Array(1))],
  ["a list in a list", [[SECRET]]],
  ["one twice", [SECRET, OTHER, SECRET]],
])("cookieSecret: %s is refused, and not shown", (_, cookieSecret) => {
  const make = () =>
    tokenSession({ store: memoryStore(), logger: false, cookieSecret: cookieSecret as never });
  expect(make).toThrow(expect.objectContaining({ code: "SESSION_OPTION_INVALID" }));
  expect(make).toThrow(/^(?!.*a secret).*cookieSecret/);
});

test("cookieSecret is changed server by server, and no page notices", async () => {
  const page = async (node: Node, cookie: string) => {
    const told = await fetch(`${node.url}/session`, { headers: { cookie } });
    return (await told.json()) as { token: string; ticket: string };
  };
  const server = async (cookieSecret: string | readonly string[]) => {
    const node = await nodes.node({ options: { cookieSecret } });
    await addApp("Express", node, act, { cookie: {} });
    return node;
  };
  const list = [OTHER, SECRET];
  const [before, between, after] = [await server([SECRET, OTHER]), await server(list), await server(OTHER)];
  // The list is taken as it is then.
  list.reverse();
  const { token } = await gotToken(before.client({ auth: { token: "" } }));
  const cookie = `session-token=${token}`;
  for (const [one, other] of [
    [before, between],
    [between, before],
    [between, after],
    [after, between],
  ] as const) {
    const { ticket } = await page(one, cookie);
    const client = other.client({ auth: { token: ticket } });
    expect(await gotToken(client)).toMatchObject({ errors: "", created: false });
    client.disconnect();
  }
});
