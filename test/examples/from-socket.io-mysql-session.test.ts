import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Page } from "playwright-core";
import { io as io4 } from "socket.io-client";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import { applySql, tableFile } from "../../scripts/dba.js";
import type { OldClient, OldSocket } from "../support/old-package/old-client.js";
import { adoptTokens, oldDdl } from "../support/old-package/old-package.js";
import { idOf, useOldTable } from "../support/old-package/old-table.js";
import { describeInBrowser } from "../support/pages/browser.js";
import type { DemoPage } from "../support/pages/demo-page.js";
import { useDevicePage } from "../support/pages/device-page.js";
import { type ExampleServer, startExample } from "../support/processes/example-server.js";

// The files of examples/from-socket.io-mysql-session as they are. What else adoption promises:
// test/integration/adoption/adoption.test.ts.

const NAME = "from-socket.io-mysql-session";
const table = useOldTable();

let folder: string;
let logFile: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "members-"));
});
beforeEach(() => {
  logFile = path.join(folder, "my.log");
  fs.rmSync(logFile, { force: true });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The example's server; ended after the test. */
async function start(port = 0): Promise<ExampleServer> {
  const server = await startExample(NAME, {
    databaseUrl: table.database.url,
    port,
    env: { LOG_FILE: logFile },
  });
  table.closing.push(() => server.stop());
  return server;
}

/** Has the old package's table become ours. */
async function freshTable(): Promise<void> {
  await table.database.pool.query("drop table session");
  await applySql(table.database.pool, tableFile);
}

const ask = (socket: OldSocket, event: string, ...content: unknown[]) =>
  new Promise<unknown>((resolve) => socket.emit(event, ...content, resolve));
const who = (socket: OldSocket) => ask(socket, "user:securedEvent", {});

describe.each<[string, OldClient]>([
  ["socket.io-client 1.7.4", io1],
  ["socket.io-client 2.5.0", io2],
  ["socket.io-client 4", io4 as unknown as OldClient],
])("the socket.io-mysql-session example, by the client code of its README on %s,", (_, io) => {
  test("gets a token, logs in, comes back after a restart, and clears its session", async () => {
    await freshTable();
    const server = await start();
    const first = table.app(server.url, new Map(), io);
    expect(await first.gotToken).toMatchObject({ token: expect.any(String), errors: "", created: true });
    // The option counts, in seconds; and touchEvery, a 24th of it.
    expect(await table.database.rows("select expires - createdAt as lasts from session")).toEqual([
      { lasts: 3750 },
    ]);
    expect(await who(first.socket)).toEqual({ error: "Please log in." });
    await ask(first.socket, "user:login", { name: "Ada" });
    expect(await who(first.socket)).toEqual({ userId: "Ada" });
    first.socket.close();

    expect(await server.stop()).toBe(0);
    const again = table.app((await start(server.port)).url, first.storage, io);
    expect(await again.gotToken).toMatchObject({ token: (await first.gotToken).token, errors: "" });
    expect(await who(again.socket)).toEqual({ userId: "Ada" });
    await ask(again.socket, "user:logout");
    expect(await who(again.socket)).toEqual({ error: "Please log in." });
    again.socket.close();

    const after = table.app(server.url, first.storage, io);
    expect(await after.gotToken).toMatchObject({ token: (await first.gotToken).token, errors: "" });
    expect(await who(after.socket)).toEqual({ error: "Please log in." });
    expect(await table.database.rows("select data from session")).toEqual([{ data: "{}" }]);
  });

  test("stays logged in when the old package's table has been adopted", async () => {
    const user = await table.oldUser((await table.oldServer()).url, { userId: "Ada" }, io);
    user.socket.close();
    await table.alter();
    const here = table.app((await start()).url, user.storage, io);
    expect(await here.gotToken).toMatchObject({ token: user.token, errors: "", created: false });
    expect(await who(here.socket)).toEqual({ userId: "Ada" });
    await adoptTokens(table.database);
    expect(await table.database.rows("select sessionId, data from session")).toEqual([
      { sessionId: idOf(user.token), data: '{"userId":"Ada"}' },
    ]);
    expect(await table.readable([user.token])).toEqual([]);
  });
});

describe("the socket.io-mysql-session example tells the DBA by its logger", () => {
  test.each([
    [
      "the CREATE TABLE where the table is missing",
      "",
      /session table is missing.*CREATE TABLE `session` \(/s,
    ],
    [
      "the ALTER TABLE where it is the old package's",
      oldDdl(),
      /column secretHash is missing.*ALTER TABLE `session`/s,
    ],
  ])("%s, and clients get their session once that is done", async (_, ddl, told) => {
    await table.database.pool.query("drop table session");
    if (ddl) await table.database.pool.query(ddl);
    const server = await start();
    const client = table.app(server.url);
    expect(await client.gotToken).toMatchObject({ token: "", errors: "Session store unavailable" });
    expect(fs.readFileSync(logFile, "utf8")).toMatch(told);
    const next = once(client.socket as never, "gotToken");
    await (ddl ? table.alter() : applySql(table.database.pool, tableFile));
    expect((await next)[0]).toMatchObject({ token: expect.stringMatching(/^[0-9a-f]{32}\./), errors: "" });
  });

  test("and nothing of a token", async () => {
    await freshTable();
    const { url } = await start();
    const { gotToken, storage } = table.app(url);
    const { token } = await gotToken;
    await table.database.pool.query("drop table session");
    expect(await table.app(url, storage).gotToken).toMatchObject({ token: "" });
    const log = fs.readFileSync(logFile, "utf8");
    expect(log).toContain("CREATE TABLE");
    expect(log).not.toContain(token.split(".")[1]);
  });
});

describeInBrowser("the page of the socket.io-mysql-session example", () => {
  const device = useDevicePage();
  let tab: Page;
  let page: DemoPage;
  beforeEach(() => {
    ({ tab, page } = device);
  });

  test("keeps its login over a reload, with the README's own client code", async () => {
    await freshTable();
    await tab.goto((await start()).url);
    await page.shows("session", "A session is there.");
    await page.shows("who", "Please log in.");
    await page.logIn("Ada");
    await page.shows("who", "Logged in as Ada.");
    await tab.reload();
    await page.shows("who", "Logged in as Ada.");
    await page.click("Log out");
    await page.shows("who", "Please log in.");
  });

  test("of somebody with a token of the old package goes on with it", async () => {
    const user = await table.oldUser((await table.oldServer()).url, { userId: "Ada" });
    user.socket.close();
    await table.alter();
    const { url } = await start();
    await tab.addInitScript((token) => localStorage.setItem("token", token), user.token);
    await tab.goto(url);
    await page.shows("session", "A session is there.");
    await page.shows("who", "Logged in as Ada.");
  });
});
