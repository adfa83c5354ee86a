import { afterAll, afterEach, describe, expect, test } from "@jest/globals";
import { createTestDatabase } from "../../support/database/database.js";
import { type GeneralLog, startGeneralLog } from "../../support/database/general-log.js";
import { notRun } from "../../support/not-run.js";
import { ask, gotToken, startServer, type TestServer } from "../../support/servers/server.js";

// What reaches the database is read from the server's own general log, not from anything of ours.

const database = await createTestDatabase();
const log = (await startGeneralLog(database)) as GeneralLog;
if (!log) {
  notRun({
    what: "test/integration/database/statements.test.ts",
    why: "the account of DATABASE_URL may not turn the general log on",
    command: "npm test without DATABASE_URL, or with an account that has SYSTEM_VARIABLES_ADMIN",
  });
}
const suite = log ? describe : describe.skip;
let server: TestServer | undefined;

afterAll(async () => {
  await log?.stop();
  await database.drop();
});
afterEach(async () => {
  await server?.close();
});

async function start(): Promise<TestServer> {
  server = await startServer({
    databaseUrl: database.url,
    // Pruning begins at any time.
    options: { prune: false },
    io: { maxHttpBufferSize: 4e6 },
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.on("set", async (key: string, value: unknown, done: () => void) => {
          await socket.session.set(key, value);
          done();
        });
      }),
  });
  return server;
}

/** Statements that a client's doing causes. */
async function statementsOf(run: () => Promise<unknown>): Promise<string[]> {
  await log.clear();
  await run();
  return log.statements();
}

const id = "018f0000000070008000000000000000";
const malformed: [string, unknown][] = [
  ["an object", { sessionId: 1 }],
  ["an array of conditions", [{ sessionId: 1 }]],
  ["a nested array", [[["a"]]]],
  ["zero", 0],
  ["a number", 7],
  ["a fraction", -1.5e300],
  ["true", true],
  ["false", false],
  ["a bare id", id],
  ["an old package's token", "0123456789abcdef0123456789abcdef"],
  ["an id and a short secret", `${id}.abc`],
  ["upper case", `${id.toUpperCase()}.${"A".repeat(43)}`],
  ["a quote in the secret", `${id}.'${"A".repeat(42)}`],
  ["SQL", "' OR '1'='1"],
  ["SQL of the right length", `${"' OR 1=1 -- ".padEnd(32, "x")}.${"A".repeat(43)}`],
  ["a backslash and a quote", `\\'${"0".repeat(30)}.${"A".repeat(43)}`],
  ["a NUL", `${id}.${"A".repeat(42)}\0`],
  ["a newline", `${id}.${"A".repeat(43)}\n`],
  ["a space at the end", `${id}.${"A".repeat(43)} `],
  ["wildcards", `${"%".repeat(32)}.${"_".repeat(43)}`],
  ["full-width digits", `${"０".repeat(32)}.${"A".repeat(43)}`],
  ["emoji", "😀".repeat(38)],
  ["a lone surrogate", `\ud800${"0".repeat(75)}`],
  ["1 MB", "a".repeat(1_000_000)],
  ["1 MB of a token", `${id}.${"A".repeat(1_000_000)}`],
  ["a prototype key", JSON.parse('{"__proto__":{"length":76}}')],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["an object that poses as a string", { length: 76, toString: "x" }],
  ["binary", Buffer.alloc(76, "0")],
];

suite.each(["event", "handshake"] as const)("a malformed token by %s", (path) => {
  test.each(malformed)("%s: no statement is made with it", async (_, token) => {
    const server = await start();
    let answer: unknown;
    const statements = await statementsOf(async () => {
      const client = server.client(path === "handshake" ? { auth: { token } } : {});
      const received = gotToken(client);
      if (path === "event") client.emit("getToken", { token });
      answer = await received;
    });
    expect(answer).toMatchObject({ errors: "Session Not Found", created: true });
    // The one statement is the INSERT of the fresh session.
    expect(statements).toHaveLength(1);
    expect(statements[0]).toMatch(/^insert into `session`/);
    expect(statements[0]).not.toContain(id);
  });
});

suite("statements", () => {
  test("a getToken whose content is itself malformed mints at most", async () => {
    const server = await start();
    const client = server.client();
    const statements = await statementsOf(async () => {
      for (const content of [
        undefined,
        null,
        7,
        "text",
        [],
        [1],
        { Token: "x" },
        JSON.parse('{"__proto__":{"token":"x"}}'),
      ]) {
        await ask(client, "getToken", content);
      }
    });
    expect(statements).toHaveLength(8);
    for (const statement of statements) expect(statement).toMatch(/^insert into `session`/);
  });

  test("opening is one SELECT, a mint one INSERT, a set one UPDATE, each by its key", async () => {
    const server = await start();
    // Enough rows for the optimiser to have a choice.
    await database.pool.query(
      "insert into session (sessionId, expires, data, userId)" +
        " select concat('f', lpad(hex(n), 31, '0')), unix_timestamp() + n, '{}', n from" +
        " (with recursive numbers as (select 1 as n union all select n + 1 from numbers where n < 900) select n from numbers) as t",
    );
    await database.pool.query("analyze table session");
    let token = "";
    const mint = await statementsOf(async () => {
      const client = server.client({ auth: { token: "" } });
      token = (await gotToken(client)).token;
      client.disconnect();
    });
    let client = server.client({ autoConnect: false });
    const open = await statementsOf(async () => {
      client = server.client({ auth: { token } });
      await gotToken(client);
    });
    const set = await statementsOf(() => ask(client, "set", "userId", 7));
    await database.pool.query(
      "update session set expires = expires - 40000, visitedAt = visitedAt - 40000 where sessionId = ?",
      [token.slice(0, 32)],
    );
    const touch = await statementsOf(async () => {
      await gotToken(server.client({ auth: { token } }));
      await server.close();
    });
    expect(mint).toEqual([expect.stringMatching(/^insert into /)]);
    expect(open).toEqual([expect.stringMatching(/^select .* where `sessionId` in /)]);
    expect(set).toEqual([
      expect.stringMatching(/^update `session` .* where sessionId = .* and least\(revision, \d+\) = /),
    ]);
    expect(touch).toEqual([
      expect.stringMatching(/^select /),
      expect.stringMatching(/^update .* for update skip locked\) .* session.expires = greatest/),
    ]);

    for (const statement of [open[0], set[0], touch[1]]) await expectByKey(statement, 1);
  });

  test("sets of many sessions at once are one UPDATE, and opens one SELECT, by the key of each", async () => {
    const server = await start();
    // Few rows: here a server would rather read them all.
    await database.pool.query("delete from session");
    const tokens: string[] = [];
    for (let n = 0; n < 12; n++) tokens.push((await gotToken(server.client({ auth: { token: "" } }))).token);
    await database.pool.query("analyze table session");
    const handles = Array.from(server.io.sockets.sockets.values(), ({ session }) => session);
    const set = await statementsOf(() => Promise.all(handles.map((session, n) => session.set("n", n))));
    const opened = await statementsOf(() => Promise.all(handles.map((session) => session.reload())));
    expect(set).toEqual([expect.stringMatching(/^update \(with given /)]);
    expect(opened).toEqual([expect.stringMatching(/^select .* where `sessionId` in /)]);
    await expectByKey(set[0], 1);
  });

  async function expectByKey(statement: string | undefined, rows: number): Promise<void> {
    const plan = await database.rows<Record<string, unknown>>(`explain format=traditional ${statement}`);
    // The table itself, and not what the statement brings along.
    const looks = plan.filter(({ table, key }) => key !== null && !String(table).startsWith("<"));
    expect(looks.length).toBeGreaterThan(0);
    for (const look of looks) expect([look["key"], Number(look["rows"])]).toEqual(["PRIMARY", rows]);
    const others = plan.filter((step) => !looks.includes(step));
    for (const { table } of others) expect(String(table)).toMatch(/^(<.*>|null)$/);
  }

  test("every open reads the row, also while the session is live here", async () => {
    const server = await start();
    const first = server.client({ auth: { token: "" } });
    const { token } = await gotToken(first);
    const statements = await statementsOf(async () => {
      for (let n = 0; n < 20; n++) await ask(first, "getToken", { token });
    });
    expect(statements.filter((statement) => statement.startsWith("select "))).toHaveLength(20);
  });
});
