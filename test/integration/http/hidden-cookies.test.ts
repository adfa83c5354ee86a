import { expect, test } from "@jest/globals";
import type { Socket } from "socket.io";
import type { RequestSession, TokenSessions } from "../../../src/index.js";
import { mintToken } from "../../../src/token/token.js";
import { addApp } from "../../support/http/http-apps.js";
import { useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next, type TestServer } from "../../support/servers/server.js";

// The cookie of the bridge has a live token in it. A handshake shows all cookies to the application, other
// servers and logs: not this one.

const nodes = useNodes();
const SECRET = "a secret of at least 32 characters";

/** All places in which a socket shows the headers that it came with. */
function headersOf(socket: Socket) {
  const { headers, rawHeaders, headersDistinct } = socket.request;
  const raw = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === "cookie") + 1];
  return [socket.handshake.headers.cookie, headers.cookie, raw, headersDistinct["cookie"]?.join()];
}

/** A page's cookie and a ticket, from a server that has the bridge. */
async function visit({ url }: TestServer): Promise<{ cookie: string; ticket: string }> {
  const told = await fetch(`${url}/session`);
  const cookie = told.headers.get("set-cookie")?.split(";")[0] ?? "";
  const { ticket } = (await told.json()) as { ticket: string };
  return { cookie, ticket };
}

async function bridge(name: string) {
  const node = await nodes.node({ options: { cookieSecret: SECRET } });
  await addApp("Express", node, async ({ id }) => ({ id }), { cookie: { name } });
  return {
    node,
    async exchange(cookie: string, ticket: string) {
      const headers = { cookie, "session-ticket": ticket };
      const response = await fetch(`${node.url}/session`, { method: "POST", headers });
      return response.headers.get("set-cookie")?.split(";")[0] ?? "";
    },
  };
}

test.each([["websocket"], ["polling"]])(
  "hidden by a server that has no bridge, in all that shows headers (%s)",
  async (transport) => {
    const { node: web, exchange } = await bridge("sid");
    const before: (string | undefined)[][] = [];
    const sockets = await nodes.node({
      options: { cookieSecret: SECRET },
      attach(sessions: TokenSessions, io) {
        io.use((socket, goOn) => {
          before.push(headersOf(socket));
          goOn();
        });
        sessions.attach(io);
        io.of("/plain");
      },
    });
    // Both forms: before the first session it is a secret without a session.
    const { cookie: early, ticket } = await visit(web);
    const options = { transports: [transport] };
    const first = sockets.client({
      ...options,
      auth: { token: ticket, confirm: true },
      extraHeaders: { cookie: `a=1; ${early}` },
    });
    const { token } = await gotToken(first);
    const cookie = await exchange(early, token);
    expect(cookie).toMatch(/^sid=\w{32}\.[\w-]{43}$/);
    const { ticket: again } = (await (await fetch(`${web.url}/session`, { headers: { cookie } })).json()) as {
      ticket: string;
    };
    const second = sockets.client({
      ...options,
      auth: { token: again },
      extraHeaders: { cookie: `a=1; ${cookie}; b=2` },
    });
    expect(await gotToken(second)).toMatchObject({ errors: "", created: false });
    const plain = second.io.socket("/plain");
    await next(plain, "connect");

    const { io } = sockets;
    const [there] = io.of("/plain").sockets.values();
    const all = [...before, ...[first, second].map((client) => headersOf(serverSideOf(io, client)))];
    expect(all).toEqual([1, 2, 1, 2].map((n) => Array(4).fill(n === 1 ? "a=1" : "a=1; b=2")));
    expect(there && headersOf(there)).toEqual(Array(4).fill("a=1; b=2"));
    const shown = await Promise.all([io.fetchSockets(), io.of("/plain").fetchSockets()]);
    expect(JSON.stringify(shown.flat().map(({ handshake }) => handshake))).not.toMatch(/sid=|\.[\w-]{43}/);
  },
);

test("hidden where token sessions are on another namespace only, and alone", async () => {
  const node = await nodes.node({
    options: { cookieSecret: SECRET },
    attach: (sessions, io) => void sessions.attach(io.of("/chat")),
  });
  const client = node.client({ extraHeaders: { cookie: `x=${mintToken().text}` } });
  await next(client, "connect");
  expect(headersOf(serverSideOf(node.io, client))).toEqual(["", "", "", ""]);
});

test("what looks like it stays where there is no cookieSecret", async () => {
  const node = await nodes.node();
  const cookie = `a=1; x=${mintToken().text}`;
  const client = node.client({ extraHeaders: { cookie } });
  await next(client, "connect");
  expect(headersOf(serverSideOf(node.io, client))).toEqual(Array(4).fill(cookie));
});

test("two applications on one server hide what is each one's", async () => {
  const { node: other } = await bridge("second");
  const node = await nodes.node({ options: { cookieSecret: SECRET } });
  await addApp("Express", node, async ({ id }) => ({ id }), { cookie: { name: "first" } });
  other.sessions.attach(node.io.of("/other"));
  const client = node.client({ extraHeaders: { cookie: "first=1; mine=2; second=3" } });
  await next(client, "connect");
  expect(headersOf(serverSideOf(node.io, client))).toEqual(Array(4).fill("mine=2"));
});

test("`identify` is given the cookies as they were sent, and what it opens is opened", async () => {
  const given: unknown[] = [];
  const { text } = mintToken();
  const node = await nodes.node({
    options: {
      cookieSecret: SECRET,
      identify: ({ headers }) => {
        given.push(headers.cookie);
        return undefined;
      },
    },
  });
  const client = node.client({ extraHeaders: { cookie: `a=1; x=${text}` } });
  await next(client, "connect");
  expect(given).toEqual([`a=1; x=${text}`]);
  expect(headersOf(serverSideOf(node.io, client))).toEqual(Array(4).fill("a=1"));
});

test("the session of the request that opened the connection still reads its cookie", async () => {
  const { node: web, exchange } = await bridge("session-token");
  const { cookie: early, ticket } = await visit(web);
  const first = web.client({ auth: { token: ticket, confirm: true } });
  const { token } = await gotToken(first);
  const cookie = await exchange(early, token);
  const node = await nodes.node({
    options: { cookieSecret: SECRET },
    attach(sessions, io) {
      io.engine.use(sessions.express({ cookie: {}, lazy: true }));
      sessions.attach(io);
    },
  });
  const client = node.client({ extraHeaders: { cookie }, transports: ["polling"] });
  await next(client, "connect");
  const { request } = serverSideOf(node.io, client);
  const { session } = request as unknown as { session: RequestSession };
  await session.ready;
  expect([session.id, request.headers.cookie]).toEqual([cookie.slice(14, 46), ""]);
});

test.each([
  ["websocket", "Bearer "],
  ["polling", "bearer  "],
])("a token in `Authorization` is hidden too, and serves `io.engine.use` (%s)", async (transport, scheme) => {
  const node = await nodes.node({
    handlers: (io, sessions) => void io.engine.use(sessions.express({ lazy: true })),
    options: {
      identify: ({ headers }) => {
        identified.push(headers.authorization);
        return undefined;
      },
    },
  });
  const identified: unknown[] = [];
  const { token, id } = await node.connect();
  const authorization = `${scheme}${token}`;
  const client = node.client({ transports: [transport], extraHeaders: { authorization, mine: "1" } });
  await next(client, "connect");
  const { handshake, request } = serverSideOf(node.io, client);
  const { headers, rawHeaders, headersDistinct } = request;
  expect([handshake.headers.authorization, headers.authorization, headersDistinct["authorization"]]).toEqual(
    Array(3).fill(undefined),
  );
  expect(JSON.stringify([rawHeaders, await node.io.fetchSockets().then(shownOf)])).not.toContain(
    token.slice(33),
  );
  expect([handshake.headers["mine"], rawHeaders.includes("1")]).toEqual(["1", true]);
  const { session } = request as unknown as { session: RequestSession };
  await session.ready;
  expect(session.id).toBe(id);
  expect(identified).toContain(authorization.replace(/ +/, scheme.slice(6)));
});

test("so is one that cannot be told by its look, where it has opened the session of the request", async () => {
  const node = await nodes.node({
    options: { legacyTokens: true },
    handlers: (io, sessions) => void io.engine.use(sessions.express()),
  });
  const token = "5f4dcc3b5aa765d61d8327deb882cf99";
  await nodes.database.rows(
    "insert into session (sessionId, expires, data, revision) values (?, unix_timestamp() + 1000, '{}', 1)",
    [token],
  );
  const client = node.client({ extraHeaders: { authorization: `Bearer ${token}` } });
  await next(client, "connect");
  const { request, handshake } = serverSideOf(node.io, client);
  expect((request as unknown as { session: RequestSession }).session.active).toBe(true);
  expect(JSON.stringify([request.rawHeaders, handshake])).not.toContain(token);
});

test("what an application has in `Authorization` stays", async () => {
  const node = await nodes.node({ options: { cookieSecret: SECRET } });
  for (const authorization of [`Basic ${mintToken().text}`, "Bearer a.b.c", `Bearer ${mintToken().text}x`]) {
    const client = node.client({ extraHeaders: { authorization } });
    await next(client, "connect");
    expect(serverSideOf(node.io, client).handshake.headers.authorization).toBe(authorization);
  }
});

function shownOf(sockets: readonly { readonly handshake: Socket["handshake"] }[]): unknown[] {
  return sockets.map(({ handshake }) => handshake);
}
