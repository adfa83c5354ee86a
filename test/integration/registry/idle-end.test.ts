import { describe, expect, test } from "@jest/globals";
import { MemoryStore, type SessionOptions } from "express-session";
import { fromConnectStore, fromCookie, memoryStore, type TokenSessionOptions } from "../../../src/index.js";
import { HandClock, settled } from "../../support/clock.js";
import { lifeOf } from "../../support/http/cookie-client.js";
import { addExpressApp } from "../../support/http/express-app.js";
import { addApp } from "../../support/http/http-apps.js";
import { addKoaApp } from "../../support/http/koa-app.js";
import { gate, type Node, until, useNodes } from "../../support/servers/nodes.js";
import { startRig } from "../../support/servers/rig.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// A session ends when it has not been used for its idle time: never before, however it is used, and at most
// touchEvery later. Rows are aged by hand; each pace of touches is tested with a clock that is moved by hand
// (test/unit/registry/touch-pace.test.ts).

const nodes = useNodes();
const HOUR = 3600;
const GAP = 900;
/**
 * Less than a touch, and than a quarter of the idle time, was ever put off; together far more than all of it.
 */
const PAUSES = [100, 850, 300, 500, 40, 899, 899, 899, 899];

async function age(id: string, seconds: number): Promise<void> {
  await nodes.database.pool.query(
    "update session set expires = expires - ?, createdAt = createdAt - ?, visitedAt = visitedAt - ? where sessionId = ?",
    [seconds, seconds, seconds, id],
  );
}

/** Uses a session again and again, and finds that it always has its whole idle time left. */
async function expectNeverEarly(id: string, use: () => Promise<unknown>): Promise<void> {
  for (const pause of PAUSES) {
    await age(id, pause);
    await use();
    // A touch is written beside the answer.
    const { left } = await until(async () => {
      const life = await lifeOf(nodes, id);
      return life.left >= HOUR && life;
    });
    expect(left).toBeLessThanOrEqual(HOUR + GAP);
  }
}

/** Sets a value in a session that is new, and answers with it. */
function kept(session: Record<string, unknown>): { n: unknown } {
  const { n = 1 } = session;
  session["n"] = n;
  return { n };
}

const byCookie: Partial<TokenSessionOptions> = { touchEvery: GAP, identify: fromCookie({ secret: "cat" }) };
const byDefault: Partial<TokenSessionOptions> = { expiration: HOUR, touchEvery: GAP };

describe("express-session, whose cookie is renewed with each request", () => {
  const maxAge = HOUR * 1000;

  test.each<[string, Partial<SessionOptions>]>([
    ["rolling", { rolling: true }],
    ["rolling, saved each time", { rolling: true, resave: true, saveUninitialized: true }],
    ["not rolling", {}],
  ])("%s", async (_, options) => {
    const node = await nodes.node({ options: { touchEvery: GAP } });
    const { client, idOf } = addExpressApp(node, { "/": kept }, { ...options, cookie: { maxAge } });
    const browser = client();
    await browser.get("/");
    await expectNeverEarly(idOf(browser), async () => {
      expect((await browser.get("/")).body).toEqual({ n: 1 });
    });
  });

  test("saved long after it was read", async () => {
    const clock = new HandClock();
    const [entered, go] = [gate(), gate()];
    const rig = await startRig({ options: { store: memoryStore({ clock }), clock, touchEvery: GAP } });
    try {
      const { client, idOf } = addExpressApp(
        rig,
        {
          "/": (session) => {
            session["n"] = 0;
          },
          "/slow": async (session) => {
            entered.open();
            await go.opened;
            session["n"] = 1;
          },
        },
        { cookie: { maxAge } },
      );
      const browser = client();
      await browser.get("/");
      const slow = browser.get("/slow");
      await entered.opened;
      clock.advance(1_000_000);
      go.open();
      await slow;
      await settled();
      const [row] = await rig.sessions.store.load([idOf(browser)]);
      expect(row?.data).toContain('"n":1');
      expect((row?.expires ?? 0) - (row?.now ?? 0)).toBeGreaterThanOrEqual(HOUR);
    } finally {
      await rig.close();
    }
  });

  test("a socket of it", async () => {
    const node = await nodes.node({ options: byCookie });
    const { client, idOf } = addExpressApp(
      node,
      {
        "/": (session) => {
          session["n"] = 1;
        },
      },
      { cookie: { maxAge } },
    );
    const browser = client();
    await browser.get("/");
    await expectNeverEarly(idOf(browser), async () => {
      const socket = node.client({ extraHeaders: { cookie: browser.cookie } });
      await next(socket, "connect");
      socket.disconnect();
    });
  });
});

test("koa-session", async () => {
  const node = await nodes.node({ options: { touchEvery: GAP } });
  const { client, idOf } = addKoaApp(
    node,
    { "/": ({ session }) => kept(session) },
    // The row has ten seconds more, as koa-session wants.
    { rolling: true, maxAge: (HOUR - 10) * 1000 },
  );
  const browser = client();
  await browser.get("/");
  await expectNeverEarly(idOf(browser), async () => {
    expect((await browser.get("/")).body).toEqual({ n: 1 });
  });
});

describe.each(["connection", "events"] as const)('tokens, with idle: "%s"', (idle) => {
  async function connected(): Promise<{ node: Node; token: string; id: string }> {
    const node = await nodes.node({ options: { ...byDefault, idle } });
    const { client, token, id } = await node.connect();
    client.disconnect();
    return { node, token, id };
  }

  test("requests with a token", async () => {
    const { node, token, id } = await connected();
    await addApp("Express", node, async (session) => ({ active: session.active }));
    await expectNeverEarly(id, async () => {
      const response = await fetch(node.url, { headers: { authorization: `Bearer ${token}` } });
      expect(await response.json()).toEqual({ active: true });
    });
  });

  test("sockets that come and go", async () => {
    const { node, token, id } = await connected();
    await expectNeverEarly(id, async () => {
      const client = node.client({ auth: { token } });
      expect((await gotToken(client)).created).toBe(false);
      client.disconnect();
    });
  });

  test("on two servers by turns", async () => {
    const { node, token, id } = await connected();
    const both = [node, await nodes.node({ options: { ...byDefault, idle } })];
    let turn = 0;
    await expectNeverEarly(id, async () => {
      const client = both[turn++ % 2]?.client({ auth: { token } });
      if (client) await gotToken(client);
      client?.disconnect();
    });
  });
});

test('what a socket sends, with idle: "events"', async () => {
  const node = await nodes.node({
    options: { ...byDefault, idle: "events", revalidate: 1 },
    handlers: (io) => io.on("connection", (socket) => socket.on("hello", (done: () => void) => done())),
  });
  const { client, session, id } = await node.connect();
  await expectNeverEarly(id, async () => {
    await session.reload();
    await ask(client, "hello");
  });
});

test.each([
  ["memory", (clock: HandClock) => memoryStore({ clock })],
  ["a Connect store", (clock: HandClock) => fromConnectStore(new MemoryStore(), { clock })],
])("rows in %s", async (_, storeWith) => {
  const clock = new HandClock();
  const rig = await startRig({ options: { store: storeWith(clock), clock, ...byDefault } });
  try {
    await addApp("Express", rig, async (session) => ({ active: session.active }));
    const { client, token, id } = await rig.connect();
    client.disconnect();
    const { store } = rig.sessions;
    for (const pause of PAUSES) {
      // The row's clock and the process's: the same, but for what the registry knows of it.
      clock.advance(pause * 1000);
      const response = await fetch(rig.url, { headers: { authorization: `Bearer ${token}` } });
      expect(await response.json()).toEqual({ active: true });
      await until(async () => {
        await settled();
        const [row] = await store.load([id]);
        return row && row.expires - row.now >= HOUR;
      });
    }
    // Beyond the two seconds in which a node of the database may not have heard of a touch.
    clock.advance((HOUR + GAP + 3) * 1000);
    const response = await fetch(rig.url, { headers: { authorization: `Bearer ${token}` } });
    expect(await response.json()).toEqual({ active: false });
  } finally {
    await rig.close();
  }
});
