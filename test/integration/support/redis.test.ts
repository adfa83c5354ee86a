import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";
import {
  describeWithRedis,
  hearEachOther,
  type Monitor,
  newPrefix,
  redisAdapter,
  redisStreamsAdapter,
  redisUrl,
  startMonitor,
} from "../../support/redis/redis.js";

const adapters = [
  ["PUB/SUB", redisAdapter],
  ["streams", redisStreamsAdapter],
] as const;

describeWithRedis("two servers on Redis", () => {
  let monitor: Monitor;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    monitor = await startMonitor(redisUrl());
  });

  afterEach(async () => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  });

  afterAll(() => monitor?.stop());

  async function startServer(makeAdapter: typeof redisAdapter, prefix: string) {
    const { adapter, close } = await makeAdapter(redisUrl(), prefix);
    closing.push(close);
    const http = createServer();
    const io = new Server(http, { adapter });
    closing.push(() => io.close());
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` };
  }

  async function startTwo(makeAdapter: typeof redisAdapter, prefix = newPrefix()) {
    const one = await startServer(makeAdapter, prefix);
    const other = await startServer(makeAdapter, prefix);
    await hearEachOther([one.io, other.io]);
    return { one, other };
  }

  test.each(adapters)("over %s exchange events, which MONITOR shows", async (_name, makeAdapter) => {
    const word = randomBytes(8).toString("hex");
    const { one, other } = await startTwo(makeAdapter);
    const there = once(other.io, "there");
    one.io.serverSideEmit("there", `${word}-there`);
    expect(await there).toEqual([`${word}-there`]);

    const back = once(one.io, "back");
    other.io.serverSideEmit("back", `${word}-back`);
    expect(await back).toEqual([`${word}-back`]);

    const text = await monitor.text();
    expect(text).toContain(`${word}-there`);
    expect(text).toContain(`${word}-back`);
  });

  test.each(adapters)("over %s reach each other's clients", async (_name, makeAdapter) => {
    const word = randomBytes(8).toString("hex");
    const { one, other } = await startTwo(makeAdapter);
    const client = connect(other.url, { transports: ["websocket"], forceNew: true });
    closing.push(() => client.disconnect());
    await once(client as never, "connect");
    const news = once(client as never, "news");
    one.io.emit("news", word);
    expect(await news).toEqual([word]);
    expect(await monitor.text()).toContain(word);
    expect((await one.io.fetchSockets()).map(({ id }) => id)).toEqual([client.id]);
  });

  test.each(adapters)("over %s with another prefix do not meet", async (_name, makeAdapter) => {
    const { one } = await startTwo(makeAdapter);
    const stranger = await startServer(makeAdapter, newPrefix());
    await hearEachOther([stranger.io]);
    expect(await stranger.io.of("/").adapter.serverCount()).toBe(1);
    expect(await one.io.of("/").adapter.serverCount()).toBe(2);
  });

  test("MONITOR shows no password", async () => {
    await startTwo(redisAdapter);
    const { password } = new URL(redisUrl());
    const text = await monitor.text();
    expect(text).not.toBe("");
    // A server of the user's may have none.
    if (password) expect(text).not.toContain(password);
  });
});
