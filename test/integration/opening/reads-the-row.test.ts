import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createConnection, createPool, type Pool, type RowDataPacket } from "mysql2/promise";
import { registryOf } from "../../../src/registry/registry-of.js";
import { parseToken } from "../../../src/token/token.js";
import {
  createTestDatabase,
  poolOptions,
  serverUrl,
  type TestDatabase,
} from "../../support/database/database.js";
import { NO_SWEEP } from "../../support/servers/cluster.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { ask, gotToken } from "../../support/servers/server.js";

// Every open reads the row, also of a session that is live in this process. Counted by the database server
// itself, in the one connection that the library has here.

let database: TestDatabase;
let pool: Pool;
let rig: Rig;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await rig.close();
  await pool.end();
});
afterAll(() => database.drop());

async function start(): Promise<Rig> {
  pool = createPool({ ...poolOptions(database.url), connectionLimit: 1 });
  rig = await startRig({
    options: { db: pool, ...NO_SWEEP },
    handlers: (io) =>
      io.on("connection", (socket) =>
        socket.on("get", (key: string, done: (value: unknown) => void) => done(socket.session.get(key))),
      ),
  });
  return rig;
}

/** How many SELECTs the server has run for the library; asking is none. */
async function selects(): Promise<number> {
  const [[row]] = await pool.query<RowDataPacket[]>("show session status like 'Com_select'");
  return Number(row?.["Value"]);
}

/** Opens as a registry does for a socket, and gives back what it was given. */
async function open(token: string): Promise<unknown> {
  const presented = parseToken(token);
  const registry = registryOf(rig.sessions);
  if (!presented || !registry) throw new Error("nothing to open");
  const opened = await registry.open(presented);
  if (opened.found !== "session") return opened.found;
  registry.release(opened.session);
  return opened.session.values.get("n");
}

/** Changes the row as another process does. */
async function write(id: string, n: number): Promise<void> {
  await database.pool.query("update session set data = ?, revision = revision + 1 where sessionId = ?", [
    JSON.stringify({ n }),
    id,
  ]);
}

describe("one after the other", () => {
  const byHandshake = (token: string) => gotToken(rig.client({ auth: { token } }));
  const byGetToken = (token: string) => ask(rig.client(), "getToken", { token });
  const bySameSocket = (token: string, same: Rig["client"]) => ask(same(), "getToken", { token });

  test.each([
    ["by the handshake", byHandshake, 20],
    ["by getToken", byGetToken, 20],
    // First a look at the revision, and because that is another, the whole row.
    ["again by the same socket", bySameSocket, 40],
  ])("%s: opens of a live session that others write to read the row", async (_path, openBy, expected) => {
    const { connect } = await start();
    const { token, id, client, session } = await connect();
    const before = await selects();
    for (let n = 1; n <= 20; n++) {
      await write(id, n);
      await openBy(token, () => client);
      // And what it read is what is shown, to those who had it open before too.
      expect(session.get("n")).toBe(n);
    }
    expect((await selects()) - before).toBe(expected);
  });

  test.each([
    ["by the handshake", byHandshake],
    ["by getToken", byGetToken],
    ["again by the same socket", bySameSocket],
  ])("%s: n opens of a live session are n SELECTs", async (_path, openBy) => {
    const { connect } = await start();
    const { token, client } = await connect();
    const before = await selects();
    for (let n = 1; n <= 20; n++) await openBy(token, () => client);
    expect((await selects()) - before).toBe(20);
  });

  test("what is no token is not looked for", async () => {
    const { connect } = await start();
    const { token } = await connect();
    const before = await selects();
    expect(await ask(rig.client(), "getToken", { token: `${token}x` })).toMatchObject({ created: true });
    expect(await selects()).toBe(before);
  });
});

describe("at the same moment", () => {
  test("opens share one read that began after all of them, and never one that had begun before", async () => {
    const { connect } = await start();
    const { token, id } = await connect();
    const before = await selects();
    // The library looks at a connection that we have had: not to wait for that, but for the SELECT, it has it
    // once before.
    await open(token);
    const administrator = await createConnection({
      ...poolOptions(serverUrl()),
      database: database.schema,
    });
    await administrator.query("lock tables session write");
    // This one's SELECT has begun, and the server does not answer it yet.
    const first = open(token);
    await blockedSelect();
    const later = Array.from({ length: 9 }, () => open(token));
    await administrator.query("update session set data = ?, revision = revision + 1 where sessionId = ?", [
      '{"n":7}',
      id,
    ]);
    await administrator.query("unlock tables");
    await administrator.end();
    expect(await Promise.all([first, ...later])).toEqual(Array(10).fill(7));
    expect((await selects()) - before).toBe(1 + 2);
  });

  test("one that comes while an answer is on its way does not take it for its own", async () => {
    const { connect } = await start();
    const { token, id, session } = await connect();
    await session.set("n", 1);
    const { store } = rig.sessions;
    const load = store.load.bind(store);
    let answered = () => {};
    let goOn = () => {};
    const wasAnswered = new Promise<void>((resolve) => {
      answered = resolve;
    });
    const mayGoOn = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    // The real answer, only later.
    store.load = async (ids) => {
      store.load = load;
      const rows = await load(ids);
      answered();
      await mayGoOn;
      return rows;
    };
    const before = await selects();
    const first = open(token);
    await wasAnswered;
    await write(id, 2);
    const second = open(token);
    goOn();
    expect(await first).toBe(1);
    expect(await second).toBe(2);
    expect((await selects()) - before).toBe(2);
  });

  test("many sockets at once each have what was in the row when they came, or newer", async () => {
    const { connect } = await start();
    const { token, id } = await connect();
    for (let n = 1; n <= 5; n++) {
      await write(id, n);
      const before = await selects();
      const sockets = Array.from({ length: 10 }, () => rig.client({ auth: { token } }));
      await Promise.all(sockets.map(gotToken));
      const shown = await Promise.all(sockets.map((socket) => ask(socket, "get", "n")));
      expect(shown).toEqual(Array(10).fill(n));
      const reads = (await selects()) - before;
      expect(reads).toBeGreaterThanOrEqual(1);
      expect(reads).toBeLessThanOrEqual(10);
    }
  });
});

/** Resolves when a SELECT of the library waits for the table. */
async function blockedSelect(): Promise<void> {
  for (let waiting = false; !waiting; ) {
    const threads = await database.threads();
    waiting = threads.some(
      ({ statement, state }) => statement.startsWith("select") && state.startsWith("Waiting"),
    );
  }
}
