import { randomBytes } from "node:crypto";
import { connect as connectHttp2, createServer } from "node:http2";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Namespace } from "socket.io";
import type { Socket } from "socket.io-client";
import type { GotToken } from "../../../src/index.js";
import type { SessionRow, SessionStore } from "../../../src/store.js";
import { mintToken } from "../../../src/token/token.js";
import { HandClock } from "../../support/clock.js";
import { addApp } from "../../support/http/http-apps.js";
import { listen } from "../../support/listen.js";
import { gate, until } from "../../support/servers/nodes.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { gotToken, next, type TestServerOptions } from "../../support/servers/server.js";
import { brittleStore } from "../../support/stores/memory.js";

// What one client, or many, can ask for costs nobody else more than a stated bound. Work is counted here, not time.

const AT_ONCE = 8;
const OLD = Date.UTC(2020, 0);
const unknownToken = () => mintToken(OLD).text;

let rig: Rig;
let clock: HandClock;
/** Ids that the store was asked for. */
let loads: string[];
/** What the store waits for before it answers for ids that it does not have; those that it was asked for meanwhile. */
let holding: Promise<void> | undefined;
let held: number;
let mostHeld: number;

async function start(given: TestServerOptions = {}) {
  clock = new HandClock();
  loads = [];
  holding = undefined;
  held = 0;
  mostHeld = 0;
  const brittle = brittleStore(clock);
  rig = await startRig({
    ...given,
    options: { store: brittle.factory, clock, prune: false, ...given.options },
  });
  const { store } = brittle;
  const load = store.load.bind(store);
  store.load = async (ids: readonly string[]): Promise<SessionRow[]> => {
    loads.push(...ids);
    const rows = await load(ids);
    if (rows.length < ids.length && holding) {
      const missing = ids.length - rows.length;
      held += missing;
      mostHeld = Math.max(mostHeld, held);
      await holding;
      held -= missing;
    }
    return rows;
  };
  return { rig, store };
}

afterEach(() => rig.close());

/** Sockets that Socket.IO keeps because their middleware has not gone on. */
function waitingSockets(namespace: Namespace): number {
  return (namespace as unknown as { _preConnectSockets: Map<string, unknown> })._preConnectSockets.size;
}

/** Asks for a namespace as often as it is given tokens, whatever comes of it. */
function connectOften(client: Socket, namespace: string, tokens: readonly string[]): void {
  const { engine } = client.io;
  for (const token of tokens) engine.write(`0${namespace},${JSON.stringify({ token })}`);
}

/** The session of somebody who has one is opened, whatever else goes on. */
async function expectOpens(token: string): Promise<void> {
  const client = rig.client({ auth: { token } });
  expect(await gotToken(client)).toMatchObject({ token, errors: "", created: false });
  client.disconnect();
}

describe("CONNECT packets on one connection", () => {
  test("20 000 for a namespace are a few opens; the connection is closed, and nothing of them is kept", async () => {
    await start({ attach: (sessions, io) => sessions.attach(io).attach(io.of("/chat")) });
    const { token } = await rig.connect();
    const flood = rig.client({ reconnection: false });
    await next(flood, "connect");
    const { opened, open } = gate();
    holding = opened;
    const tokens = Array.from({ length: 20_000 }, unknownToken);
    const closed = next(flood, "disconnect");
    loads = [];
    connectOften(flood, "/chat", tokens);
    await closed;
    await expectOpens(token);
    expect(mostHeld).toBeLessThanOrEqual(AT_ONCE);
    expect(loads.length).toBeLessThanOrEqual(AT_ONCE + 1);
    open();
    const chat = rig.io.of("/chat");
    await until(async () => waitingSockets(chat) === 0);
    expect(chat.sockets.size).toBe(0);
    expect(loads.length).toBeLessThanOrEqual(AT_ONCE + 1);
    expect(rig.log.lines.filter(({ code }) => code === "SESSION_QUEUE_FULL")).toHaveLength(1);
  });

  test("for 200 namespaces at once, by a client that has so many, all get their session", async () => {
    await start({ attach: (sessions, io) => sessions.attach(io.of(/^\/room-\d+$/)) });
    const { opened, open } = gate();
    holding = opened;
    const first = rig.client();
    const rooms = Array.from({ length: 200 }, (_, n) =>
      first.io.socket(`/room-${n}`, { auth: { token: unknownToken() } }),
    );
    const answers = rooms.map((room) => gotToken(room));
    await until(async () => held === AT_ONCE);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(held).toBe(AT_ONCE);
    open();
    holding = undefined;
    // What comes after the connection may create no more sessions goes on at the pace of strangers.
    let answered = 0;
    for (const answer of answers) void answer.then(() => answered++);
    while (answered < rooms.length) {
      await turn();
      clock.advance(10);
    }
    const errors = (await Promise.all(answers)).map((answer: GotToken) => answer.errors);
    expect(new Set(errors)).toEqual(new Set(["Session Not Found", "Too Many Sessions"]));
  });

  test("five namespaces of an honest page are opened together, by one read", async () => {
    await start({ attach: (sessions, io) => sessions.attach(io).attach(io.of(/^\/room-\d+$/)) });
    const { token } = await rig.connect();
    const page = rig.client({ auth: { token } });
    const sockets = [page, ...[1, 2, 3, 4].map((n) => page.io.socket(`/room-${n}`, { auth: { token } }))];
    expect(await Promise.all(sockets.map(gotToken))).toMatchObject(
      sockets.map(() => ({ token, errors: "" })),
    );
    page.io.engine.close();
  });

  test("where a session is required and the store is away, sockets that do not connect are not kept", async () => {
    const { store } = await start({ options: { required: true } });
    const load = store.load;
    store.load = () => Promise.reject(new Error("away"));
    const client = rig.client({ auth: { token: unknownToken() }, reconnection: false });
    await next(client.io, "close");
    await until(async () => waitingSockets(rig.io.of("/")) === 0);
    store.load = load;
  });
});

describe("tokens without a session", () => {
  /** Presents such tokens, one after the other, as fast as they are answered. */
  async function presentOften(client: Socket): Promise<void> {
    for (;;) {
      const answer = gotToken(client);
      client.emit("getToken", { token: unknownToken() });
      await answer;
    }
  }

  test("from many connections that may create no more are looked at by an own budget; others do not wait for it", async () => {
    await start();
    const { token } = await rig.connect();
    const connections = 20;
    loads = [];
    for (let n = 0; n < connections; n++) {
      const client = rig.client();
      await next(client, "connect");
      void presentOften(client);
    }
    // Each may create twenty.
    const free = connections * 20;
    await until(async () => loads.length >= free);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(loads.length).toBe(free);
    await expectOpens(token);
    loads = [];
    for (let step = 0; step < 50; step++) {
      clock.advance(10);
      for (let turns = 0; turns < 20; turns++) await turn();
    }
    expect(loads.length).toBeLessThanOrEqual(51);
    expect(loads.length).toBeGreaterThan(25);
    await expectOpens(token);
  });

  test("of a client that goes while it waits are not looked at", async () => {
    await start();
    const client = rig.client({ reconnection: false });
    await next(client, "connect");
    void presentOften(client);
    await until(async () => loads.length === 20);
    for (let turns = 0; turns < 100; turns++) await turn();
    const [socket] = rig.io.sockets.sockets.values();
    const gone = next(socket, "disconnect");
    client.disconnect();
    await gone;
    clock.advance(10_000);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(loads.length).toBe(20);
  });
});

describe("requests sent ahead on one connection", () => {
  beforeEach(async () => {
    await start();
    await addApp("Connect", rig, async () => ({}), { required: true });
  });

  /** Sends so many requests, each with another token, before it reads an answer; gives the statuses in order. */
  function sendAhead(count: number): Promise<number[]> {
    const socket = connect(rig.port, "127.0.0.1");
    const requests = Array.from({ length: count }, (_, n) => {
      const last = n === count - 1 ? "Connection: close\r\n" : "";
      return `GET / HTTP/1.1\r\nHost: localhost\r\n${last}Authorization: Bearer ${unknownToken()}\r\n\r\n`;
    });
    socket.write(requests.join(""));
    return new Promise((resolve, reject) => {
      let text = "";
      socket.on("error", reject);
      socket.setEncoding("latin1").on("data", (data) => {
        text += data;
      });
      socket.on("close", () =>
        resolve([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => Number(status))),
      );
    });
  }

  test("are opened a few at a time, and answered in order", async () => {
    const { token } = await rig.connect();
    loads = [];
    const { opened, open } = gate();
    holding = opened;
    const answers = sendAhead(500);
    await until(async () => held === AT_ONCE);
    for (let turns = 0; turns < 100; turns++) await turn();
    const response = await fetch(rig.url, { headers: { authorization: `Bearer ${token}` } });
    expect([response.status, mostHeld, loads.length]).toEqual([200, AT_ONCE, AT_ONCE + 1]);
    open();
    expect(await answers).toEqual(Array.from({ length: 500 }, () => 401));
    expect(mostHeld).toBe(AT_ONCE);
  });

  test("are told to come again where a thousand wait", async () => {
    const { opened, open } = gate();
    holding = opened;
    const answers = sendAhead(1_100);
    await until(async () => held === AT_ONCE);
    // All of them have come when one on another connection is answered that was sent later.
    for (let turns = 0; turns < 500; turns++) await turn();
    open();
    const statuses = await answers;
    expect(statuses).toHaveLength(1_100);
    expect(statuses.filter((status) => status === 503)).toHaveLength(1_100 - 1_000 - AT_ONCE);
  });
});

test("streams of one HTTP/2 connection are opened a hundred at a time", async () => {
  await start();
  const middleware = rig.sessions.express({ required: true });
  const server = createServer((request, response) =>
    middleware(request as never, response as never, () => {}),
  );
  const port = await listen(server);
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  const { opened, open } = gate();
  holding = opened;
  const answers = Array.from({ length: 150 }, async () => {
    const request = client.request({ authorization: `Bearer ${unknownToken()}` }).resume();
    const [{ ":status": status }] = (await next(request, "response")) as [{ ":status": number }];
    return status;
  });
  try {
    await until(async () => held >= 100);
    for (let turns = 0; turns < 500; turns++) await turn();
    expect([held, mostHeld]).toEqual([100, 100]);
    open();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([401]));
    expect(mostHeld).toBe(100);
  } finally {
    open();
    client.destroy();
    server.close();
  }
});

test("made-up tokens of the old package are looked for in lanes of which others have some left", async () => {
  const { store } = await start({ options: { legacyTokens: true } });
  const { token } = await rig.connect();
  let adopting = 0;
  let most = 0;
  const { opened, open } = gate();
  (store as SessionStore).adopt = async (legacy) => {
    adopting += legacy.length;
    most = Math.max(most, adopting);
    await opened;
    adopting -= legacy.length;
  };
  const clients = Array.from({ length: 50 }, () =>
    rig.client({ auth: { token: randomBytes(24).toString("base64url") } }),
  );
  const answers = Promise.all(clients.map(gotToken));
  await until(async () => adopting === 2);
  await expectOpens(token);
  open();
  for (const { errors } of await answers) expect(errors).toBe("Session Not Found");
  expect(most).toBe(2);
});

describe("made-up ids of a moment ago", () => {
  const youngToken = () => mintToken(Date.now()).text;

  test("are looked for again, a thousand at once; of the others the client is told to come again", async () => {
    const { store } = await start();
    await addApp("Connect", rig, async () => ({}), { required: true });
    const { token } = await rig.connect();
    const ask = (presented: string) =>
      fetch(rig.url, { headers: { authorization: `Bearer ${presented}` } }).then(({ status }) => status);
    const asked = Array.from({ length: 1_000 }, () => ask(youngToken()));
    await until(async () => clock.timers >= 1_000);
    // Whose row a node of the database does not have yet is told to wait, and no more.
    const late = mintToken(Date.now());
    expect(await ask(late.text)).toBe(503);
    expect(await ask(token)).toBe(200);
    expect(await ask(unknownToken())).toBe(401);
    let count = 0;
    for (const answer of asked) void answer.then(() => count++);
    while (count < asked.length) {
      await turn();
      clock.advance(50);
    }
    expect(new Set(await Promise.all(asked))).toEqual(new Set([401]));
    const row = { sessionId: late.sessionId, secretHash: late.secretHash, data: "{}", client: null };
    await store.insert([{ ...row, revision: 1, writers: randomBytes(16) }]);
    expect(await ask(late.text)).toBe(200);
  });
});
