import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, expect, test } from "@jest/globals";
import type { StoreDownEvent, StoreUpEvent } from "../../../src/index.js";
import { listen } from "../../support/listen.js";
import { useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken } from "../../support/servers/server.js";

// What `sessions.health()` knows, on a real database behind a proxy that cuts, refuses and hangs.

const nodes = useNodes();
const servers: Server[] = [];
afterEach(() => {
  for (const http of servers.splice(0)) http.close();
});

async function start(options = {}) {
  const node = await nodes.node({ options: { storeTimeout: 1, ...options } });
  const http = createServer((request, response) => {
    const { liveness, readiness } = node.sessions;
    (request.url === "/livez" ? liveness : readiness)(request, response);
  });
  servers.push(http);
  const url = `http://127.0.0.1:${await listen(http)}`;
  return { ...node, get: (path: string, init?: RequestInit) => fetch(url + path, init) };
}

test("an outage is told once, and so is its end; the process is alive all along, and ready before and after", async () => {
  const { sessions, client, proxy, get } = await start();
  const downs: StoreDownEvent[] = [];
  const ups: StoreUpEvent[] = [];
  sessions.on("storeDown", (event) => downs.push(event));
  sessions.on("storeUp", (event) => ups.push(event));
  await gotToken(client({ auth: { token: "" } }));
  expect(sessions.health()).toMatchObject({ status: "up", reasons: [], store: { status: "up" } });
  expect((await get("/readyz")).status).toBe(200);

  const isDown = new Promise((resolve) => sessions.once("storeDown", resolve));
  await proxy.down();
  // Nobody is served: two clients find out.
  client({ auth: { token: "" } });
  client({ auth: { token: "" } });
  await isDown;
  const { status, reasons, store } = sessions.health();
  expect({ status, reasons }).toEqual({ status: "down", reasons: ["store-down"] });
  expect(store).toMatchObject({ status: "down", lastError: "SESSION_STORE_UNAVAILABLE" });
  expect(store.since).toBe(downs[0]?.since);
  const unready = await get("/readyz");
  expect(unready.status).toBe(503);
  expect(unready.headers.get("retry-after")).toBe("5");
  expect(unready.headers.get("cache-control")).toBe("no-store");
  expect(await unready.json()).toEqual({ status: "down", reasons: ["store-down"] });
  expect((await get("/livez")).status).toBe(200);

  const isUp = new Promise((resolve) => sessions.once("storeUp", resolve));
  await proxy.up();
  await isUp;
  expect((await get("/readyz")).status).toBe(200);
  expect(sessions.health()).toMatchObject({ status: "up", store: { status: "up" } });
  expect(downs).toHaveLength(1);
  expect(ups).toEqual([{ ...downs[0], code: expect.any(String), downFor: expect.any(Number) }]);
});

test("a process to which nobody is sent any more finds out by itself that the store is back", async () => {
  const { sessions, proxy } = await start();
  await sessions.check();
  await proxy.down();
  const isDown = new Promise((resolve) => sessions.once("storeDown", resolve));
  await expect(sessions.check()).rejects.toMatchObject({ code: "SESSION_STORE_UNAVAILABLE" });
  expect(sessions.health()).toMatchObject({ status: "degraded", reasons: ["store-retrying"] });
  await isDown;
  const isUp = new Promise((resolve) => sessions.once("storeUp", resolve));
  await proxy.up();
  await isUp;
  expect(sessions.health().status).toBe("up");
});

test("what is there is counted: sessions, sockets, events that wait", async () => {
  const { sessions, client, io, proxy } = await start();
  const [one, other] = [client({ auth: { token: "" } }), client({ auth: { token: "" } })];
  await Promise.all([gotToken(one), gotToken(other)]);
  expect(sessions.health()).toMatchObject({
    live: 2,
    sockets: { attached: 2, heldEvents: 0 },
    adapter: "none",
    queue: { length: 0, age: 0, lanesTaken: 0, lanes: 2 },
  });
  expect(sessions.health().store.latency).toBeUndefined();
  const isDown = new Promise((resolve) => sessions.once("storeDown", resolve));
  await proxy.down();
  const waiting = client({ auth: { token: "" } });
  waiting.emit("one");
  waiting.emit("two");
  await isDown;
  await gotToken(waiting);
  // What it has sent before that has come too.
  await ask(waiting, "getToken", { token: "" });
  expect(sessions.health()).toMatchObject({ live: 2, sockets: { attached: 3, heldEvents: 2 } });
  const gone = Promise.all([...io.sockets.sockets.values()].map((socket) => once(socket, "disconnect")));
  for (const socket of [one, other, waiting]) socket.disconnect();
  await gone;
  expect(sessions.health()).toMatchObject({ live: 0, sockets: { attached: 0, heldEvents: 0 } });
});

test("a process that closes is not ready any more, and lives", async () => {
  const { sessions, get } = await start();
  await sessions.close();
  expect(sessions.health()).toMatchObject({ status: "down", reasons: ["closed"] });
  expect((await get("/readyz")).status).toBe(503);
  expect((await get("/livez")).status).toBe(200);
});

test("HEAD is answered without a body", async () => {
  const { get } = await start();
  const answer = await get("/readyz", { method: "HEAD" });
  expect([answer.status, await answer.text()]).toEqual([200, ""]);
});
