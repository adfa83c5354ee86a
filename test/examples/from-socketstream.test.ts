import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { io, type Socket } from "socket.io-client";
import { type ClientSession, tokenSession } from "../../client/index.js";
import { type Device, device } from "../support/clients/device.js";
import { createTestDatabase, type TestDatabase } from "../support/database/database.js";
import { describeInBrowser } from "../support/pages/browser.js";
import type { DemoPage } from "../support/pages/demo-page.js";
import { useDevicePage } from "../support/pages/device-page.js";
import { type ExampleServer, startExample } from "../support/processes/example-server.js";
import { describeWithRedis, redisUrl, useRedisKeys } from "../support/redis/redis.js";

// The files of examples/from-socketstream as they are: one session for HTTP and RPC, on each of the three
// stores.

const NAME = "from-socketstream";
const THIRTY_DAYS = 30 * 24 * 3600;

let database: TestDatabase;
/** The one that runs, and what it was started with: the next test that wants the same takes it. */
let server: ExampleServer | undefined;
let startedWith = "";
let sockets: Socket[];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
});
beforeEach(async () => {
  sockets = [];
  await database.rows("delete from session");
});
afterEach(() => {
  for (const socket of sockets) socket.disconnect();
});

/** Which store the example takes is decided by these alone, whatever the environment of the tests has. */
type Environment = { STORE?: string; REDIS_URL?: string; REDIS_PREFIX?: string };

async function start(env: Environment, databaseUrl = "", port = 0): Promise<ExampleServer> {
  const wanted = JSON.stringify([env, databaseUrl]);
  if (server && startedWith === wanted && !server.hasEnded()) return server;
  await server?.stop();
  server = await startExample(NAME, { databaseUrl, port, env: { STORE: "", REDIS_URL: "", ...env } });
  startedWith = wanted;
  return server;
}

interface Visitor {
  readonly session: ClientSession;
  /** Calls back with an error or `null`; resolves to that. */
  rpc(name: string, content?: unknown): Promise<unknown>;
  /** The route's answer, by the token in `Authorization`. */
  http(item?: string): Promise<unknown>;
}

/** An app that is started on a device. */
async function visit({ url }: ExampleServer, storage: Device = device()): Promise<Visitor> {
  const socket = io(url, { forceNew: true });
  sockets.push(socket);
  const session = tokenSession(socket, { storage });
  await session.ready;
  return {
    session,
    rpc: (name, content) => socket.emitWithAck(name, content),
    async http(item) {
      const path = item === undefined ? "basket" : `basket?item=${item}`;
      return (await session.fetch(url + path, { method: item === undefined ? "GET" : "POST" })).json();
    },
  };
}

/** What holds on any store: `again` starts the server anew. */
function testStore(begin: () => Promise<ExampleServer>, again: (port: number) => Promise<ExampleServer>) {
  test("HTTP and RPC read and write one session", async () => {
    const { rpc, http } = await visit(await begin());
    expect(await rpc("basket.show")).toEqual({ basket: [], userId: "" });
    // It calls back when that is in the store, so whatever reads next finds it.
    expect(await rpc("basket.put", "tea")).toBeNull();
    expect(await http()).toEqual({ basket: ["tea"], userId: "" });
    expect(await http("milk")).toEqual({ basket: ["tea", "milk"], userId: "" });
    expect(await rpc("basket.show")).toEqual({ basket: ["tea", "milk"], userId: "" });
    await Promise.all([rpc("basket.put", "a"), http("b"), rpc("basket.put", "c"), http("d")]);
    const { basket } = (await http()) as { basket: string[] };
    expect(basket.toSorted()).toEqual(["a", "b", "c", "d", "milk", "tea"]);
    expect(await rpc("basket.put", 7)).toBe("WHAT_ITEM");
  });

  test("what is no item makes no session", async () => {
    const { url } = await begin();
    const answer = await fetch(`${url}basket?item=`, { method: "POST" });
    expect([answer.status, await answer.json()]).toEqual([500, { error: "WHAT_ITEM" }]);
    expect(answer.headers.has("session-token")).toBe(false);
  });

  test("who logs in by RPC has a new token, and is known over HTTP", async () => {
    const server = await begin();
    const { session, rpc, http } = await visit(server);
    const before = session.token;
    expect(await rpc("user.set", "ada")).toBeNull();
    expect(session.token).not.toBe(before);
    expect(await http()).toEqual({ basket: [], userId: "ada" });
    const old = await fetch(`${server.url}basket`, { headers: { authorization: `Bearer ${before}` } });
    expect(await old.json()).toEqual({ basket: [], userId: "" });
  });

  test("a session that HTTP began is that of the socket, and lasts thirty days", async () => {
    const server = await begin();
    const response = await fetch(`${server.url}basket?item=tea`, { method: "POST" });
    const token = response.headers.get("session-token");
    const socket = io(server.url, { forceNew: true, auth: { token } });
    sockets.push(socket);
    const message = await socket.emitWithAck("getToken", { token });
    expect(message).toMatchObject({ token, errors: "" });
    // And up to touchEvery longer, a quarter of an hour.
    expect(Math.round((message.expiresAt - Date.now() / 1000) / 60)).toBe(THIRTY_DAYS / 60 + 15);
    expect(await socket.emitWithAck("basket.show", null)).toEqual({ basket: ["tea"], userId: "" });
  });

  test("the server ends in good order and starts again", async () => {
    const storage = device();
    const first = await begin();
    const { rpc } = await visit(first, storage);
    await rpc("basket.put", "tea");
    expect(await first.stop()).toBe(0);
    const { rpc: rpcAgain } = await visit(await again(first.port), storage);
    kept(await rpcAgain("basket.show"));
  });

  let kept: (shown: unknown) => void = (shown) => expect(shown).toEqual({ basket: ["tea"], userId: "" });
  return {
    forgets() {
      kept = (shown) => expect(shown).toEqual({ basket: [], userId: "" });
    },
  };
}

describe("the socketstream example in memory, as by default", () => {
  const begin = (port?: number) => start({}, "", port);
  testStore(begin, begin).forgets();
});

describe("the socketstream example on MySQL, where DATABASE_URL is", () => {
  const begin = (port?: number) => start({}, database.url, port);
  testStore(begin, begin);

  test("keeps its sessions in the table", async () => {
    const { rpc, session } = await visit(await begin());
    await rpc("basket.put", "tea");
    expect(await database.rows("select sessionId, data from session")).toEqual([
      { sessionId: session.id, data: '{"basket":["tea"]}' },
    ]);
  });

  test("reads a session over HTTP where a request asks for it, and nowhere else", async () => {
    const server = await begin();
    const { session, rpc, http } = await visit(server);
    await database.rows("rename table session to elsewhere");
    try {
      const page = await session.fetch(server.url);
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("<h1>Basket</h1>")]);
      expect(await http()).toEqual({ error: "SESSION_TABLE_INVALID" });
      expect(await rpc("basket.put", "tea")).toBe("SESSION_TABLE_INVALID");
    } finally {
      await database.rows("rename table elsewhere to session");
    }
    expect(await http()).toEqual({ basket: [], userId: "" });
  });
});

describeWithRedis("the socketstream example on Redis, where REDIS_URL is", () => {
  const keys = useRedisKeys();
  const { prefix } = keys;

  // A database is there too, as with `npm run example -- from-socketstream --redis`.
  const begin = (port?: number) => start({ REDIS_URL: redisUrl(), REDIS_PREFIX: prefix }, database.url, port);
  testStore(begin, begin);

  test("keeps its sessions in Redis, and what STORE says comes first", async () => {
    const { session } = await visit(await begin());
    expect(await keys.client.exists(`${prefix}${session.id}`)).toBe(1);
    expect(await database.rows("select 1 from session")).toEqual([]);
    expect(await server?.stop()).toBe(0);
    const env = { STORE: "mysql", REDIS_URL: redisUrl(), REDIS_PREFIX: prefix };
    await visit(await start(env, database.url));
    expect(await database.rows("select 1 from session")).toHaveLength(1);
  });
});

describeInBrowser("the page of the socketstream example", () => {
  const device = useDevicePage();
  let tab: Page;
  let page: DemoPage;
  beforeEach(() => {
    ({ tab, page } = device);
  });

  test("fills its basket both ways, logs in, and is known after a reload", async () => {
    await tab.goto((await start({})).url);
    await page.shows("user", "Nobody is logged in.");
    const put = async (item: string, by: string) => {
      await tab.getByLabel("Something").fill(item);
      await page.click(`Put it in by ${by}`);
    };
    await put("tea", "RPC");
    await page.shows("over-http", "tea");
    await put("milk", "HTTP");
    await page.shows("basket", "tea, milk");
    await page.logIn("ada");
    await page.shows("user", "Logged in as ada.");
    await tab.reload();
    await page.shows("user", "Logged in as ada.");
    await page.shows("over-http", "tea, milk");
  });
});
