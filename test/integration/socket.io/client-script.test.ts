import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "@jest/globals";
import express from "express";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import { toLog } from "../../../src/base/log.js";
import { memoryStore, type TokenSessions, tokenSession } from "../../../src/index.js";
import { ClientScript } from "../../../src/socket.io/client-script.js";
import { listen } from "../../support/listen.js";
import { keptLog } from "../../support/log.js";
import { gotToken } from "../../support/servers/server.js";

// The client script beside Socket.IO's own, however the servers are put together.

const script = readFileSync(
  new URL("../../../dist/client/socket.io-token-session.js", import.meta.url),
  "utf8",
);
const NAME = "socket.io-token-session.js";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const run of cleanUps.splice(0).reverse()) await run();
});

function make(options: { serveClient?: boolean } = {}): TokenSessions {
  const sessions = tokenSession({ store: memoryStore(), logger: false, ...options });
  cleanUps.push(() => sessions.close());
  return sessions;
}

function closing(io: Server): Server {
  cleanUps.push(() => io.close());
  return io;
}

async function answerOf(port: number, path: string, given: { method?: string; headers?: object } = {}) {
  const { method = "GET", headers = {} } = given;
  const sent = request({
    port,
    host: "127.0.0.1",
    path,
    method,
    headers: { ...headers },
    agent: false,
  }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

async function expectServed(port: number, path = `/socket.io/${NAME}`): Promise<void> {
  const { status, headers, body } = await answerOf(port, path);
  expect([status, body]).toEqual([200, script]);
  expect(headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "content-length": String(Buffer.byteLength(script)),
    "cache-control": "public, max-age=0",
    etag: expect.stringMatching(/^"[\w-]{43}"$/),
  });
}

/** A server on a free port to which sessions are attached before it listens. */
async function start(options: ConstructorParameters<typeof Server>[1] = {}, sessions = make()) {
  const http = createServer();
  const io = closing(new Server(http, options));
  sessions.attach(io);
  return { io, port: await listen(http), sessions };
}

describe("is served", () => {
  test("where sessions are attached before the server listens, as by io.use", async () => {
    await expectServed((await start()).port);
    const http = createServer();
    const io = closing(new Server(http));
    io.use(make());
    await expectServed(await listen(http));
  });

  test("where they are attached afterwards", async () => {
    const http = createServer();
    const io = closing(new Server(http));
    const port = await listen(http);
    expect((await answerOf(port, `/socket.io/${NAME}`)).status).toBe(400);
    make().attach(io);
    await expectServed(port);
  });

  test("by new Server(port)", async () => {
    const io = closing(new Server(0));
    make().attach(io);
    if (!io.httpServer.listening) await once(io.httpServer, "listening");
    await expectServed((io.httpServer.address() as AddressInfo).port);
  });

  test("where the HTTP server comes after the sessions, and by a second one", async () => {
    const io = new Server();
    make().attach(io);
    const [one, two] = [createServer(), createServer()];
    io.attach(one);
    io.attach(two);
    const ports = [await listen(one), await listen(two)];
    cleanUps.push(async () => one.close());
    closing(io);
    for (const port of ports) await expectServed(port);
  });

  test.each([
    ["knows its path", { path: "/own" }, "/own"],
    ["does not", {}, "/socket.io"],
  ])("by an Engine.IO server of the application's own that %s", async (_, options, path) => {
    const http = createServer();
    const { constructor: Engine } = closing(new Server(createServer())).engine;
    const engine = Reflect.construct(Engine, [options]);
    engine.attach(http, { path });
    const io = new Server();
    make().attach(io);
    io.bind(engine);
    const port = await listen(http);
    cleanUps.push(async () => {
      engine.close();
      http.close();
    });
    await expectServed(port, `${path}/${NAME}`);
  });

  test.each([
    ["a path of the server's own", { path: "/ws/" }, `/ws/${NAME}`],
    ["a path without a slash at its end", { addTrailingSlash: false }, `/socket.io/${NAME}`],
    ["Socket.IO's own script turned off", { serveClient: false }, `/socket.io/${NAME}`],
    ["a query", {}, `/socket.io/${NAME}?v=1`],
  ])("with %s", async (_, options, path) => {
    await expectServed((await start(options)).port, path);
  });

  test("under a path that is given when it is attached", async () => {
    const http = createServer();
    const io = closing(new Server());
    make().attach(io);
    io.attach(http, { path: "/later" });
    await expectServed(await listen(http), `/later/${NAME}`);
  });

  test("beside Express", async () => {
    const app = express();
    app.get("/", (_, response) => void response.send("the application's"));
    const http = createServer(app);
    const io = closing(new Server(http));
    make().attach(io);
    const port = await listen(http);
    await expectServed(port);
    expect((await answerOf(port, "/")).body).toBe("the application's");
    expect((await answerOf(port, `/${NAME}`)).status).toBe(404);
  });

  test("once, however many namespaces and sessions there are", async () => {
    const { io, port, sessions } = await start();
    const { handleRequest } = io.engine;
    sessions.attach(io.of("/chat"));
    make().attach(io.of("/admin"));
    expect(io.engine.handleRequest).toBe(handleRequest);
    await expectServed(port);
  });

  test.each(["polling", "websocket"])("and sockets connect as before, by %s", async (transport) => {
    const { port } = await start();
    const client = connect(`http://127.0.0.1:${port}`, { transports: [transport], auth: { token: "" } });
    cleanUps.push(async () => client.disconnect());
    expect(await gotToken(client)).toMatchObject({ errors: "", created: true });
  });
});

describe("an answer", () => {
  test("is 304 to whoever has it, and has no content for HEAD", async () => {
    const { port } = await start();
    const path = `/socket.io/${NAME}`;
    const { headers } = await answerOf(port, path);
    const tag = String(headers.etag);
    for (const had of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      const again = await answerOf(port, path, { headers: { "If-None-Match": had } });
      expect([again.status, again.body, again.headers.etag]).toEqual([304, "", tag]);
    }
    expect((await answerOf(port, path, { headers: { "If-None-Match": '"other"' } })).status).toBe(200);
    const head = await answerOf(port, path, { method: "HEAD" });
    expect([head.status, head.body, head.headers.etag]).toEqual([200, "", tag]);
    expect(head.headers["content-length"]).toBe(String(Buffer.byteLength(script)));
  });

  test("is for other origins where the server lets them in", async () => {
    const allowed = "access-control-allow-origin";
    const path = `/socket.io/${NAME}`;
    expect((await answerOf((await start()).port, path)).headers[allowed]).toBeUndefined();
    const { port } = await start({ cors: { origin: "https://app.test" } });
    expect((await answerOf(port, path)).headers[allowed]).toBe("*");
  });

  test("is 404 where it has not been built, and that is said once", async () => {
    const log = keptLog();
    const { io, port } = await start({}, make({ serveClient: false }));
    const nowhere = () => readFileSync(new URL("file:///nowhere/script.js"), "utf8");
    new ClientScript(toLog(log), nowhere).serveOn(io);
    for (let n = 0; n < 2; n++) expect((await answerOf(port, `/socket.io/${NAME}`)).status).toBe(404);
    expect(log.lines.map(({ text }) => text)).toEqual([
      expect.stringMatching(/client script cannot be served/),
    ]);
  });
});

describe("is not served", () => {
  test("with serveClient: false", async () => {
    const { port } = await start({}, make({ serveClient: false }));
    expect((await answerOf(port, `/socket.io/${NAME}`)).status).toBe(400);
    expect((await answerOf(port, "/socket.io/socket.io.js")).status).toBe(200);
  });

  test.each([
    ["GET", "/socket.io/index.js"],
    ["GET", "/socket.io/client/index.js"],
    ["GET", `/socket.io/x/${NAME}`],
    ["GET", `/socket.io/../client/${NAME}`],
    ["GET", `/socket.io/${NAME}/../index.js`],
    ["GET", `/socket.io/${NAME}.map`],
    ["GET", `/socket.io/?${NAME}`],
    ["GET", `/socket.io/%73ocket.io-token-session.js`],
    ["POST", `/socket.io/${NAME}`],
    ["PUT", `/socket.io/${NAME}`],
  ])("to %s %s: Socket.IO answers as without us", async (method, path) => {
    const [{ port }, without] = [await start(), await start({}, make({ serveClient: false }))];
    const answers = [await answerOf(port, path, { method }), await answerOf(without.port, path, { method })];
    const [ours, theirs] = answers.map(({ status, body }) => [status, body]);
    expect(ours).toEqual(theirs);
    expect(ours?.[0]).toBe(400);
  });

  test("where something that it needs is not there, and nothing breaks", () => {
    const without = new ClientScript(toLog(false));
    without.serveOn({});
    without.serveOn({ engine: {}, bind: undefined, path: undefined });
    const bound: unknown[] = [];
    const server = { bind: (engine: unknown) => bound.push(engine) };
    without.serveOn(server);
    server.bind({ clients: {} });
    expect(bound).toEqual([{ clients: {} }]);
  });
});
