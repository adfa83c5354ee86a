import { expect, test } from "@jest/globals";
import type { Namespace, Server, ServerOptions, Socket } from "socket.io";
import type { Socket as Client } from "socket.io-client";
import type { GotToken, TokenSessions } from "../../../src/index.js";
import { sendPrivately } from "../../../src/socket.io/internals.js";
import { cutOff } from "../../support/servers/cut.js";
import { type Heard, listenInAllWays, OWN_EVENTS, speak } from "../../support/servers/ears.js";
import { useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken, next, type TestServer } from "../../support/servers/server.js";

// The library's events are between it and the client: no listener of the application hears them, whenever it
// was added.

const nodes = useNodes();

type Listening = "before us, in a middleware" | "after us, in a middleware" | "at the connection";
const WHEN: Listening[] = ["before us, in a middleware", "after us, in a middleware", "at the connection"];

/** Each namespace as a server names it, and as a client does. */
const NAMESPACES: [of: (io: Server) => Namespace, name: string][] = [
  [(io) => io.of("/"), "/"],
  [(io) => io.of("/chat"), "/chat"],
  [(io) => io.of(/^\/room-\d+$/), "/room-7"],
];

async function start(
  of: (io: Server) => Namespace,
  when: Listening,
  io: Partial<ServerOptions>,
  hear: (heard: Heard) => void,
) {
  return await nodes.node({
    io,
    attach(sessions: TokenSessions, server: Server) {
      const namespace = of(server);
      const listen = () =>
        namespace.use((socket, goOn) => {
          listenInAllWays(socket, hear);
          goOn();
        });
      if (when === "before us, in a middleware") listen();
      namespace.use(sessions);
      if (when === "after us, in a middleware") listen();
      if (when === "at the connection") namespace.on("connection", (socket) => listenInAllWays(socket, hear));
      speak(namespace);
    },
  });
}

const confirming = (client: Client) => {
  client.on("gotToken", (_: GotToken, confirm?: () => void) => confirm?.());
  return client;
};

/** Clients of one namespace. */
function clientsOf(node: TestServer, name: string) {
  return (auth?: object) => {
    const options = auth && { auth };
    const client = name === "/" ? node.client(options) : node.client().io.socket(name, options);
    return confirming(client);
  };
}

/** All that our events are for: a first visit on both paths, a login, a token that was replaced, the end. */
async function live(connect: (auth?: object) => Client): Promise<void> {
  const first = connect({ token: "", confirm: true });
  const { token } = await gotToken(first);
  const other = connect();
  await next(other, "connect");
  // Both with an acknowledgement and without.
  const told = gotToken(other);
  other.emit("getToken", { token });
  await told;
  expect(await ask<GotToken>(other, "getToken", { token })).toMatchObject({ errors: "" });
  await ask(other, "say");

  const asked = next(other, "tokenChanged");
  const replaced = gotToken(first);
  expect(await ask(first, "login")).toBe("");
  await asked;
  const fresh = (await replaced).token;
  expect(fresh).not.toBe(token);
  await ask(other, "getToken", { token: fresh, confirm: true });
  const over = next(other, "sessionEnd");
  first.emit("destroy");
  expect(await over).toEqual([{ reason: "destroyed" }]);
}

test.each(
  NAMESPACES.flatMap(([of, name]) =>
    WHEN.flatMap((when) => [false, true].map((recovery) => ({ of, name, when, recovery }))),
  ),
)(
  "no listener of $name hears our events: added $when; recovery $recovery",
  async ({ of, name, when, recovery }) => {
    const heard: Heard[] = [];
    const io = recovery ? { connectionStateRecovery: {} } : {};
    const node = await start(of, when, io, (each) => void heard.push(each));
    await live(clientsOf(node, name));
    expect(heard.filter(([, event]) => OWN_EVENTS.includes(String(event)))).toEqual([]);
    // They do hear the application's.
    for (const kind of ["onAny", "prependAny", "use", "onevent"]) expect(heard).toContainEqual([kind, "say"]);
    for (const kind of ["onAnyOutgoing", "prependAnyOutgoing"])
      expect(heard).toContainEqual([kind, "welcome"]);
  },
);

test("nor do those of a socket that was recovered", async () => {
  const heard: Heard[] = [];
  const node = await start(
    (io) => io.of("/"),
    "at the connection",
    { connectionStateRecovery: {} },
    (each) => {
      heard.push(each);
    },
  );
  const connect = clientsOf(node, "/");
  const client = connect({ token: "", confirm: true });
  const welcome = next(client, "welcome");
  const { token } = await gotToken(client);
  await welcome;
  client.auth = { token, confirm: true };
  const back = gotToken(client);
  await cutOff(node.io, client);
  client.connect();
  expect(await back).toMatchObject({ created: false });
  expect(client.recovered).toBe(true);
  expect(await ask(client, "getToken", { token })).toMatchObject({ errors: "" });
  const replaced = gotToken(client);
  expect(await ask(client, "login")).toBe("");
  expect((await replaced).token).not.toBe(token);
  const over = next(client, "sessionEnd");
  client.emit("destroy");
  await over;
  expect(heard.filter(([, event]) => OWN_EVENTS.includes(String(event)))).toEqual([]);
  expect(heard).toContainEqual(["onAny", "login"]);
});

test("a token with bytes beside it is for us as well", async () => {
  const heard: Heard[] = [];
  const node = await start(
    (io) => io.of("/"),
    "before us, in a middleware",
    {},
    (each) => void heard.push(each),
  );
  const client = clientsOf(node, "/")();
  await next(client, "connect");
  expect(await ask(client, "getToken", { token: "", bytes: Buffer.from([1, 2]) })).toMatchObject({
    created: true,
  });
  expect(heard.filter(([, event]) => event === "getToken")).toEqual([]);
});

test("a namespace without token sessions has its events of these names", async () => {
  const heard: Heard[] = [];
  const node = await nodes.node({
    handlers: (io) =>
      io.of("/plain").on("connection", (socket) => listenInAllWays(socket, (each) => heard.push(each))),
  });
  const client = clientsOf(node, "/plain")();
  await next(client, "connect");
  client.emit("getToken", { token: "mine" });
  const [socket] = node.io.of("/plain").sockets.values();
  if (!heard.some(([kind]) => kind === "on")) await next(socket, "getToken");
  expect(heard.map(([kind]) => kind)).toEqual(["onevent", "prependAny", "onAny", "use", "on"]);
});

test("what comes too late for a socket is not sent to the next one on its connection", async () => {
  let first: Socket | undefined;
  const node = await nodes.node({
    handlers(io) {
      speak(io);
      io.of("/other").on("connection", (socket) => socket.on("say", (done) => done()));
      io.use((_, goOn) => {
        if (first) sendPrivately(first, "sessionEnd", { reason: "destroyed" });
        goOn();
      });
    },
  });
  const { client, socket } = await node.connect();
  // Keeps the connection when the first namespace is left.
  const other = client.io.socket("/other");
  await next(other, "connect");
  const heard: unknown[] = [];
  client.on("sessionEnd", (end) => heard.push(end));
  first = socket;
  const connection = client.io.engine.id;
  client.disconnect();
  await ask(other, "say");
  client.auth = {};
  client.connect();
  await next(client, "connect");
  await ask(client, "say");
  expect([heard, client.io.engine.id]).toEqual([[], connection]);
});
