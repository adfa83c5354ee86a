import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import type { Namespace } from "socket.io";
import type { Socket } from "socket.io-client";
import type { GotToken } from "../../../src/index.js";
import type { SessionStore } from "../../../src/store.js";
import { gate, until } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";
import { CountedOpens, unknownToken } from "../../support/stores/counted-opens.js";

// What one client, or many, can ask for costs nobody else more than a stated bound. Work is counted here, not
// time.

const AT_ONCE = 8;
const opens = new CountedOpens();

/** Sockets that Socket.IO keeps because their middleware has not gone on. */
function waitingSockets(namespace: Namespace): number {
  return (namespace as unknown as { _preConnectSockets: Map<string, unknown> })._preConnectSockets.size;
}

/** Asks for a namespace as often as it is given tokens, whatever comes of it. */
function connectOften(client: Socket, namespace: string, tokens: readonly string[]): void {
  const { engine } = client.io;
  for (const token of tokens) engine.write(`0${namespace},${JSON.stringify({ token })}`);
}

describe("CONNECT packets on one connection", () => {
  test("20 000 for a namespace are a few opens; the connection is closed, and nothing of them is kept", async () => {
    await opens.start({ attach: (sessions, io) => sessions.attach(io).attach(io.of("/chat")) });
    const { token } = await opens.rig.connect();
    const flood = opens.rig.client({ reconnection: false });
    await next(flood, "connect");
    const { opened, open } = gate();
    opens.holding = opened;
    const tokens = Array.from({ length: 20_000 }, unknownToken);
    const closed = next(flood, "disconnect");
    opens.loads = [];
    connectOften(flood, "/chat", tokens);
    await closed;
    await opens.expectOpens(token);
    expect(opens.mostHeld).toBeLessThanOrEqual(AT_ONCE);
    expect(opens.loads.length).toBeLessThanOrEqual(AT_ONCE + 1);
    open();
    const chat = opens.rig.io.of("/chat");
    await until(async () => waitingSockets(chat) === 0);
    expect(chat.sockets.size).toBe(0);
    expect(opens.loads.length).toBeLessThanOrEqual(AT_ONCE + 1);
    expect(opens.rig.log.lines.filter(({ code }) => code === "SESSION_QUEUE_FULL")).toHaveLength(1);
  });

  test("for 200 namespaces at once, by a client that has so many, all get their session", async () => {
    await opens.start({ attach: (sessions, io) => sessions.attach(io.of(/^\/room-\d+$/)) });
    const { opened, open } = gate();
    opens.holding = opened;
    const first = opens.rig.client();
    const rooms = Array.from({ length: 200 }, (_, n) =>
      first.io.socket(`/room-${n}`, { auth: { token: unknownToken() } }),
    );
    const answers = rooms.map((room) => gotToken(room));
    await until(async () => opens.held === AT_ONCE);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(opens.held).toBe(AT_ONCE);
    open();
    opens.holding = undefined;
    // What comes after the connection may create no more sessions goes on at the pace of strangers.
    let answered = 0;
    for (const answer of answers) void answer.then(() => answered++);
    while (answered < rooms.length) {
      await turn();
      opens.clock.advance(10);
    }
    const errors = (await Promise.all(answers)).map((answer: GotToken) => answer.errors);
    expect(new Set(errors)).toEqual(new Set(["Session Not Found", "Too Many Sessions"]));
  });

  test("five namespaces of an honest page are opened together, by one read", async () => {
    await opens.start({ attach: (sessions, io) => sessions.attach(io).attach(io.of(/^\/room-\d+$/)) });
    const { token } = await opens.rig.connect();
    const page = opens.rig.client({ auth: { token } });
    const sockets = [page, ...[1, 2, 3, 4].map((n) => page.io.socket(`/room-${n}`, { auth: { token } }))];
    expect(await Promise.all(sockets.map(gotToken))).toMatchObject(
      sockets.map(() => ({ token, errors: "" })),
    );
    page.io.engine.close();
  });

  test("where a session is required and the store is away, sockets that do not connect are not kept", async () => {
    const { store } = await opens.start({ options: { required: true } });
    const load = store.load;
    store.load = () => Promise.reject(new Error("away"));
    const client = opens.rig.client({ auth: { token: unknownToken() }, reconnection: false });
    await next(client.io, "close");
    await until(async () => waitingSockets(opens.rig.io.of("/")) === 0);
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
    await opens.start();
    const { token } = await opens.rig.connect();
    const connections = 20;
    opens.loads = [];
    for (let n = 0; n < connections; n++) {
      const client = opens.rig.client();
      await next(client, "connect");
      void presentOften(client);
    }
    // Each may create twenty.
    const free = connections * 20;
    await until(async () => opens.loads.length >= free);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(opens.loads.length).toBe(free);
    await opens.expectOpens(token);
    opens.loads = [];
    for (let step = 0; step < 50; step++) {
      opens.clock.advance(10);
      for (let turns = 0; turns < 20; turns++) await turn();
    }
    expect(opens.loads.length).toBeLessThanOrEqual(51);
    expect(opens.loads.length).toBeGreaterThan(25);
    await opens.expectOpens(token);
  });

  test("of a client that goes while it waits are not looked at", async () => {
    await opens.start();
    const client = opens.rig.client({ reconnection: false });
    await next(client, "connect");
    void presentOften(client);
    await until(async () => opens.loads.length === 20);
    for (let turns = 0; turns < 100; turns++) await turn();
    const [socket] = opens.rig.io.sockets.sockets.values();
    const gone = next(socket, "disconnect");
    client.disconnect();
    await gone;
    opens.clock.advance(10_000);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(opens.loads.length).toBe(20);
  });
});

test("made-up tokens of the old package are looked for in lanes of which others have some left", async () => {
  const { store } = await opens.start({ options: { legacyTokens: true } });
  const { token } = await opens.rig.connect();
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
    opens.rig.client({ auth: { token: randomBytes(24).toString("base64url") } }),
  );
  const answers = Promise.all(clients.map(gotToken));
  await until(async () => adopting === 2);
  await opens.expectOpens(token);
  open();
  // What somebody else may just have adopted is looked for again for two seconds.
  let isAnswered = false;
  void answers.then(() => {
    isAnswered = true;
  });
  while (!isAnswered) {
    await turn();
    opens.clock.advance(10);
  }
  for (const { errors } of await answers) expect(errors).toBe("Session Not Found");
  expect(most).toBe(2);
});
