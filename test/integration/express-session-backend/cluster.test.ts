import { createServer } from "node:http";
import { afterEach, expect, test } from "@jest/globals";
import { MemoryStore } from "express-session";
import { Server } from "socket.io";
import { fromConnectStore, SessionError, tokenSession } from "../../../src/index.js";
import { listen } from "../../support/listen.js";
import { keptLog } from "../../support/log.js";
import {
  describeWithRedis,
  hearEachOther,
  newPrefix,
  redisAdapter,
  redisUrl,
} from "../../support/redis/redis.js";
import { until } from "../../support/servers/nodes.js";
import { startRig } from "../../support/servers/rig.js";
import { redisBackend, rowIn } from "../../support/stores/express-session-backend.js";

// A Connect store is exact in one process alone; several servers are refused, unless the application says
// that it knows.

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let close = closing.pop(); close; close = closing.pop()) await close();
});

async function clusterAdapter(prefix = newPrefix()) {
  const { adapter, close } = await redisAdapter(redisUrl(), prefix);
  closing.push(close);
  return adapter;
}

function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error instanceof SessionError ? error.code : error;
  }
  return undefined;
}

describeWithRedis("a server with a cluster adapter", () => {
  test("is refused, each time, whichever way it is attached", async () => {
    const sessions = tokenSession({ store: fromConnectStore(new MemoryStore()), logger: false });
    const http = createServer();
    const io = new Server(http, { adapter: await clusterAdapter() });
    await listen(http);
    closing.push(() => sessions.close());
    closing.push(async () => io.close());
    for (const attach of [
      () => sessions.attach(io),
      () => sessions.attach(io),
      () => sessions.attach(io.of("/chat")),
      () => io.use(sessions),
    ])
      expect(refusal(attach)).toBe("SESSION_UNSUPPORTED");
  });

  test("is accepted with lastWriteWins, and what one writes the other shows", async () => {
    const [prefix, redis] = [newPrefix(), await redisBackend(redisUrl())];
    closing.push(redis.close);
    const start = async () => {
      const rig = await startRig({
        options: { store: fromConnectStore(redis.store, { lastWriteWins: true }) },
        io: { adapter: await clusterAdapter(prefix) },
      });
      closing.push(rig.close);
      return rig;
    };
    const [here, there] = [await start(), await start()];
    await hearEachOther([here.io, there.io]);
    const one = await here.connect();
    const other = await there.connect(one.token);
    const changed = new Promise((resolve) => there.sessions.once("sessionChange", resolve));
    await one.session.set("n", 1);
    expect(await changed).toEqual({ sessionId: one.id, keys: ["n"] });
    expect(other.session.get("n")).toBe(1);
  });

  test("that got its adapter too late to be refused is reported, once", async () => {
    const log = keptLog();
    const adapter = await clusterAdapter();
    const rig = await startRig({
      options: { store: fromConnectStore(new MemoryStore()), logger: log },
      handlers: (io) => io.adapter(adapter),
    });
    closing.push(rig.close);
    const { session } = await rig.connect();
    await session.set("n", 1);
    await session.set("n", 2);
    expect(log.lines.filter(({ code }) => code === "SESSION_UNSUPPORTED")).toHaveLength(1);
  });
});

test("a server with the in-memory adapter is accepted", async () => {
  const store = new MemoryStore();
  const rig = await startRig({ options: { store: fromConnectStore(store) } });
  closing.push(rig.close);
  const { session, id } = await rig.connect();
  await session.set("n", 1);
  expect(await until(() => rowIn(store, id))).toMatchObject({ data: '{"n":1}' });
});
