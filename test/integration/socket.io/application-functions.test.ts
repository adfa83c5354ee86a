import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, test } from "@jest/globals";
import { type DatabaseProxy, startProxy } from "../../support/database/proxy.js";
import { Clients } from "../../support/processes/child-node.js";
import { type PrintedProgram, runPrinted } from "../../support/processes/printed-program.js";
import { useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken } from "../../support/servers/server.js";

// What an application's functions throw, and what their promises reject with, ends no process. A program of
// its own, on the built package, because Jest takes unhandled rejections for itself.

const nodes = useNodes();
const clients = new Clients();
let server: PrintedProgram | undefined;
let proxy: DatabaseProxy | undefined;
afterEach(async () => {
  clients.close();
  await server?.stop();
  await proxy?.close();
});

async function run(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: path.resolve(import.meta.dirname, "../../.."),
    // A guard against hanging, shorter than that of the tests.
    timeout: 100_000,
  });
  return stdout.trim();
}

const BEGINNING = `
  import { setImmediate } from "node:timers/promises";
  import { Server } from "socket.io";
  import { io as connect } from "socket.io-client";
  import { memoryStore, tokenSession } from "socket.io-token-session";

  const reject = async () => { throw new Error("rejected"); };
  const fail = () => { throw new Error("thrown"); };
  // Node looks for unhandled rejections when the microtasks of a turn are done.
  const turns = async () => { for (let n = 0; n < 5; n++) await setImmediate(); };
  async function visit(options, work = () => {}) {
    const sessions = tokenSession(options);
    const io = new Server(0);
    sessions.attach(io);
    const connected = new Promise((resolve) => io.on("connection", resolve));
    const client = connect("http://127.0.0.1:" + io.httpServer.address().port, { auth: { token: "" } });
    await work(await connected, sessions, client);
    await turns();
    client.disconnect();
    await io.close();
    await sessions.close();
  }
`;

test("db and store in the options", async () => {
  const program = `${BEGINNING}
    const refused = [];
    for (const options of [
      { db: reject() },
      { store: reject },
      { store: () => reject() },
      { store: fail },
      { store: async () => memoryStore() },
    ]) {
      try {
        tokenSession({ logger: false, ...options });
      } catch (error) {
        refused.push(error.code ?? error.message);
      }
      await turns();
    }
    console.log(refused.join(" "));
  `;
  expect(await run(program)).toBe(
    "SESSION_OPTION_INVALID SESSION_OPTION_INVALID SESSION_OPTION_INVALID thrown SESSION_OPTION_INVALID",
  );
});

test("loggers, listeners, identify, addressOf, update", async () => {
  const program = `${BEGINNING}
    for (const way of [reject, fail]) {
      const logger = { error: way, warn: way, info: way, debug: way };
      for (const each of [logger, { log: way }]) {
        const options = { store: memoryStore(), logger: each, identify: undefined, addressOf: way };
        await visit(options, async (socket, sessions) => {
          for (const event of ["sessionStart", "sessionChange", "sessionEnd", "sessionInvalid", "error"])
            sessions.on(event, way);
          socket.session.set("wrong", 1n);
          socket.session.update(way);
          socket.withSession(way);
          socket.withSession(({ socket }) => { socket.withSession(way); });
          await sessions.handler(way).call(socket);
          await sessions.handler(() => { throw new Error("a handler's"); }).call(socket);
          await socket.session.set("n", 1);
          await socket.session.destroy();
        });
      }
      // Not before \`required\` gives up, so the client is left to try.
      const sessions = tokenSession({ store: memoryStore(), identify: way, storeTimeout: 1, logger: { log: way } });
      const io = new Server(0);
      sessions.attach(io);
      const client = connect("http://127.0.0.1:" + io.httpServer.address().port);
      await new Promise((resolve) => io.engine.once("connection", resolve));
      await turns();
      client.disconnect();
      await io.close();
      await sessions.close();
    }
    console.log("alive");
  `;
  expect(await run(program)).toBe("alive");
});

test("a store whose every promise rejects, and which throws", async () => {
  const program = `${BEGINNING}
    let away;
    const called = new Map();
    let hear = () => {};
    const heard = (name) => new Promise((resolve) => { hear = (method) => { if (method === name) resolve(); }; });
    const store = (settings) => new Proxy(memoryStore()(settings), {
      get(target, name) {
        const method = target[name];
        if (typeof method !== "function") return method;
        return (...args) => {
          if (!away) return method.apply(target, args);
          called.set(name, true);
          hear(name);
          return away(name);
        };
      },
    });
    for (const way of [reject, fail]) {
      const options = { store, logger: false, storeTimeout: 1, expiration: 10, touchEvery: 1, revalidate: 1 };
      await visit(options, async (socket, sessions, client) => {
        const { id } = socket.session;
        away = way;
        const work = [
          sessions.find(id), sessions.forUser("u"), sessions.destroyForUser("u"), sessions.prune(),
          sessions.destroy("0".repeat(32)), socket.session.reload(), socket.withSession(({ session }) => { session.n = 1; }),
          sessions.handler(() => socket.session.set("n", 2)).call(socket),
        ];
        socket.session.set("n", 3);
        socket.session.login("u");
        client.emit("getToken", { token: "" });
        client.emit("getToken", { token: "0".repeat(32) + "." + "A".repeat(43) });
        await Promise.allSettled(work);
        // By the sweep.
        await heard("loadRevisions");
        await heard("touch");
        await turns();
        away = undefined;
        await socket.session.set("n", 4);
      });
    }
    console.log("alive", [...called.keys()].sort().join(" "));
  `;
  expect(await run(program)).toBe("alive delete forUser insert load loadRevisions now prune touch write");
});

test.each([
  "mysql.createConnection(url)",
  "await promise.createConnection(url)",
  "mysql.createPool(url)",
  "promise.createPool(url)",
])("a database that goes: db: %s", async (db) => {
  proxy = await startProxy(nodes.database.url);
  server = await runPrinted(
    `
    import mysql from "mysql2";
    import promise from "mysql2/promise";
    import { Server } from "socket.io";
    import { tokenSession } from "socket.io-token-session";

    const url = process.env.DATABASE_URL;
    const db = ${db};
    const sessions = tokenSession({ db, storeTimeout: 1 });
    const io = new Server(3000);
    sessions.attach(io);
    io.on("connection", (socket) => {
      socket.on("n", sessions.handler((n, done) => socket.session.set("n", n).then(done)));
      // Answers when a single connection has found out, idle as it is.
      const stream = (db.connection ?? db).stream;
      socket.on("lost?", (done) => (!stream || stream.closed ? done() : stream.once("close", () => setImmediate(done))));
    });
    `,
    proxy.through(nodes.database.url),
  );
  const client = clients.open(server.url, { auth: { token: "" } });
  await gotToken(client);
  expect(await server.alive(ask(client, "n", 1))).toBeNull();
  await proxy.down();
  await server.alive(ask(client, "lost?"));
  for (let n = 2; n < 4; n++)
    expect(await server.alive(ask(client, "n", n))).toEqual({ error: "SESSION_STORE_UNAVAILABLE" });
});
