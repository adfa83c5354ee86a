import { describe, expect, test } from "@jest/globals";
import { io as connect } from "socket.io-client";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear } from "../../support/clients/client-events.js";
import { device, TOKEN_KEY } from "../../support/clients/device.js";
import { watchHandshakes } from "../../support/clients/packets.js";
import { gate, type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// One line gives a socket its session, whenever it is called, whatever `auth` is there.

const nodes = useNodes();
const keyOf = ({ port }: Node) => `socket.io-token-session.http___127.0.0.1_${port}`;

const rows = async () => (await nodes.database.rows("select sessionId from session")).length;

/** A device that has been here, and the token that it got. */
async function visited(node: Node) {
  const storage = device();
  const socket = node.client();
  const { token, ready } = tokenSession(socket, { storage, key: TOKEN_KEY });
  expect(token).toBe("");
  await ready;
  socket.disconnect();
  return { storage, token: storage.items.get(TOKEN_KEY) };
}

describe("called", () => {
  test.each<[string, boolean, (node: Node) => Promise<ReturnType<Node["client"]>>]>([
    ["right after io(url)", true, async (node) => node.client()],
    ["with autoConnect: false", true, async (node) => node.client({ autoConnect: false })],
    [
      "when the connection is open, and the namespace not yet joined",
      false,
      async (node) => {
        const socket = node.client();
        await next(socket.io, "open");
        return socket;
      },
    ],
    [
      "when connected already",
      false,
      async (node) => {
        const socket = node.client();
        await next(socket, "connect");
        return socket;
      },
    ],
    [
      "when disconnected again",
      true,
      async (node) => {
        const socket = node.client();
        await next(socket, "connect");
        return socket.disconnect();
      },
    ],
  ])("%s", async (_, isInHandshake, make) => {
    const node = await nodes.node();
    const { storage, token } = await visited(node);
    const before = await rows();
    const { connections } = watchHandshakes(node.io);
    const socket = await make(node);
    const session = tokenSession(socket, { storage, key: TOKEN_KEY });
    if (!socket.active) socket.connect();
    await session.ready;
    expect(session.token).toBe(token);
    expect(serverSideOf(node.io, socket).session.id).toBe(session.id);
    expect(await rows()).toBe(before);
    expect(connections.at(-1)).toEqual([isInHandshake ? token : "undefined"]);

    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token, created: false });
    expect(connections.at(-1)).toEqual([token]);
  });

  test("for two namespaces of one connection, the second when it is open: both have one session", async () => {
    const node = await nodes.node({
      attach: (sessions, io) => {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
      },
    });
    const options: ClientOptions = { storage: device() };
    const socket = node.client();
    const session = tokenSession(socket, options);
    await session.ready;
    const chat = socket.io.socket("/chat", {});
    const inChat = tokenSession(chat, options);
    expect(inChat).not.toBe(session);
    await inChat.ready;
    expect(inChat.token).toBe(session.token);

    const heard = hear(inChat);
    const told = gotToken(chat);
    await serverSideOf(node.io, socket).session.login("ada");
    expect(await told).toMatchObject({ token: session.token, errors: "" });
    await until(async () => inChat.state === "open");
    expect(heard.filter(([name]) => name !== "token")).toEqual([]);
    const ended = [socket, chat].map((one) => next(one, "disconnect"));
    await node.sessions.destroy(session.id);
    await Promise.all(ended);
    await Promise.all([session.ready, inChat.ready]);
    await until(async () => inChat.id === session.id);
    expect(options.storage?.getItem(keyOf(node))).toBe(session.token);
    chat.disconnect();
  });

  test("for two namespaces at once on a first visit: both end on one session", async () => {
    const node = await nodes.node({
      attach: (sessions, io) => {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
      },
    });
    const options: ClientOptions = { storage: device() };
    const socket = node.client();
    const chat = socket.io.socket("/chat", {});
    const both = [tokenSession(socket, options), tokenSession(chat, options)] as const;
    await Promise.all(both.map(({ ready }) => ready));
    await until(async () => both[0].token === both[1].token);
    expect(options.storage?.getItem(keyOf(node))).toBe(both[0].token);
    chat.disconnect();
  });

  test("for two servers, with a key for each in one storage", async () => {
    const [one, two] = [await nodes.node(), await nodes.node()];
    const storage = device();
    const sessions = [one, two].map((node) => tokenSession(node.client(), { storage }));
    await Promise.all(sessions.map(({ ready }) => ready));
    expect(storage.items).toEqual(
      new Map([
        [keyOf(one), sessions[0]?.token],
        [keyOf(two), sessions[1]?.token],
      ]),
    );
    expect(sessions[0]?.token).not.toBe(sessions[1]?.token);
  });

  test.each([
    ["ws://", "/"],
    ["http://", "/chat?room=1"],
  ])("with an address of the form %s…%s: the key is the origin's", async (scheme, path) => {
    const node = await nodes.node({ attach: (sessions, io) => sessions.attach(io.of("/chat")).attach(io) });
    const storage = device();
    const socket = connect(`${scheme}127.0.0.1:${node.port}${path}`, {
      forceNew: true,
      transports: ["websocket"],
    });
    try {
      await tokenSession(socket, { storage }).ready;
      expect([...storage.items.keys()]).toEqual([keyOf(node)]);
    } finally {
      socket.disconnect();
    }
  });

  test("twice, it gives the same session, and listens once", async () => {
    const node = await nodes.node();
    const socket = node.client({ autoConnect: false });
    const names = ["connect", "disconnect", "gotToken", "sessionEnd", "tokenChanged"];
    const count = () => names.map((name) => socket.listeners(name as "connect").length);
    expect(count()).toEqual([0, 0, 0, 0, 0]);
    const session = tokenSession(socket, { storage: device() });
    const { auth } = socket;
    expect(count()).toEqual([1, 1, 1, 1, 1]);
    expect(tokenSession(socket, { storage: device(), key: "another" })).toBe(session);
    expect(count()).toEqual([1, 1, 1, 1, 1]);
    expect(socket.auth).toBe(auth);
  });
});

describe("an auth of the application's own", () => {
  const authOf = (node: Node, socket: ReturnType<Node["client"]>) =>
    serverSideOf(node.io, socket).handshake.auth;

  test("as an object: all of it arrives, also what is changed later, but for `token`", async () => {
    const node = await nodes.node();
    const auth: Record<string, unknown> = { user: "bob", token: "mine", client: "web" };
    const { connections } = watchHandshakes(node.io);
    const socket = node.client({ auth });
    const session = tokenSession(socket, { storage: device() });
    await session.ready;
    expect(connections).toEqual([[""]]);
    expect(authOf(node, socket)).toMatchObject({ user: "bob" });
    auth["user"] = "eve";
    const message = gotToken(socket);
    socket.io.engine.close();
    await message;
    expect(connections).toEqual([[""], [session.token]]);
    expect(authOf(node, socket)).toMatchObject({ user: "eve" });
  });

  test("with a `client` of its own, which is left alone where the option is not used", async () => {
    const node = await nodes.node();
    const socket = node.client({ auth: { client: "web" } });
    await tokenSession(socket, { storage: device() }).ready;
    expect(authOf(node, socket)).toEqual({ client: "web", confirm: true });
  });

  test("as a function that answers late, and is called for each connection", async () => {
    const node = await nodes.node();
    const gates = [gate(), gate()];
    let calls = 0;
    let self: unknown;
    const { connections } = watchHandshakes(node.io);
    const socket = node.client({
      async auth(this: unknown, callback: (data: object) => void) {
        self = this;
        const call = calls++;
        await gates[call]?.opened;
        callback({ call, token: "mine" });
      },
    } as never);
    const session = tokenSession(socket, { storage: device() });
    await next(socket.io, "open");
    expect(self).toBe(socket);
    gates[0]?.open();
    await session.ready;
    expect(authOf(node, socket)).toEqual({ call: 0, confirm: true });
    const message = gotToken(socket);
    socket.io.engine.close();
    await next(socket.io, "open");
    gates[1]?.open();
    await message;
    expect(authOf(node, socket)).toEqual({ call: 1, confirm: true });
    expect(connections).toEqual([[""], [session.token]]);
  });

  test("as a function that answers when its connection has gone: nothing of it is sent on the next", async () => {
    const node = await nodes.node();
    const callbacks: ((data: object) => void)[] = [];
    const { connections } = watchHandshakes(node.io);
    const socket = node.client({ auth: (callback) => void callbacks.push(callback) });
    const session = tokenSession(socket, { storage: device() });
    await until(async () => callbacks.length === 1);
    socket.io.engine.close();
    await until(async () => callbacks.length === 2);
    callbacks[0]?.({ call: 0 });
    callbacks[1]?.({ call: 1 });
    await session.ready;
    expect(authOf(node, socket)).toEqual({ call: 1, confirm: true });
    expect(connections).toEqual([[], [""]]);
  });
});

describe("what the client says of itself", () => {
  const client = { device: "Pixel 9", beta: true };

  test.each([[false], [true]])("is kept with a new session (connected before: %s)", async (isConnected) => {
    const node = await nodes.node();
    const socket = node.client();
    if (isConnected) await next(socket, "connect");
    const session = tokenSession(socket, { storage: device(), client });
    await session.ready;
    expect(serverSideOf(node.io, socket).session.client).toEqual(client);
    const { session: again } = await node.connect(session.token);
    expect(again.client).toEqual(client);
  });

  test.each([
    ["a text", "Pixel"],
    ["nested", { device: { name: "Pixel" } }],
    ["too long", { device: "x".repeat(1_100) }],
  ])("is checked in getToken as in the handshake: %s", async (_, said) => {
    const node = await nodes.node();
    const socket = node.client();
    await next(socket, "connect");
    await socket.emitWithAck("getToken", { token: "", client: said });
    expect(serverSideOf(node.io, socket).session).toMatchObject({ active: true, client: null });
  });

  test("in the handshake stands, whatever a getToken says later", async () => {
    const node = await nodes.node();
    const socket = node.client({ auth: { token: "", client } });
    await gotToken(socket);
    await socket.emitWithAck("getToken", { token: "", client: { device: "another" } });
    expect(serverSideOf(node.io, socket).session.client).toEqual(client);
  });
});
