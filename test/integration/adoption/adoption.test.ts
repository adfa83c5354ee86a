import { describe, expect, test } from "@jest/globals";
import { io as io4 } from "socket.io-client";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import { tokenSession as clientSession } from "../../../client/index.js";
import { applySql, tableFile } from "../../../scripts/dba.js";
import type { SessionError } from "../../../src/index.js";
import { device } from "../../support/clients/device.js";
import type { OldClient } from "../../support/old-package/old-client.js";
import { adoptTokens, until } from "../../support/old-package/old-package.js";
import { idOf, present, useOldTable } from "../../support/old-package/old-table.js";
import { ask, type TestServer } from "../../support/servers/server.js";

// The old package itself, on its own table, makes way for ours.

const table = useOldTable();

describe("sql/adopt.sql", () => {
  const described = () =>
    table.database.rows(
      "select column_name, column_type, character_set_name, collation_name, is_nullable, column_default, column_comment" +
        " from information_schema.columns where table_schema = database() and table_name = 'session' order by ordinal_position",
    );
  const indexes = () =>
    table.database.rows(
      "select index_name, column_name, non_unique from information_schema.statistics" +
        " where table_schema = database() and table_name = 'session' order by index_name, seq_in_index",
    );
  const facts = () =>
    table.database.rows(
      "select engine, table_collation, table_comment from information_schema.tables" +
        " where table_schema = database() and table_name = 'session'",
    );

  test("makes the old table the very table of sql/session.sql", async () => {
    await table.alter();
    const altered = [await described(), await indexes(), await facts()];
    await table.database.pool.query("drop table session");
    await applySql(table.database.pool, tableFile);
    expect(altered).toEqual([await described(), await indexes(), await facts()]);
  });

  test("is what check() quotes before, and check() is satisfied after", async () => {
    const server = await table.newServer();
    const refused = await server.sessions.check().then(
      () => undefined,
      (error: SessionError) => error,
    );
    expect(refused).toMatchObject({ code: "SESSION_TABLE_INVALID" });
    expect(refused?.message).toMatch(/sql\/adopt\.sql\):\n\nALTER TABLE `session`\n/);
    await table.alter();
    await server.sessions.check();
  });

  test("leaves rows and running old servers as they are", async () => {
    const old = await table.oldServer();
    const user = await table.oldUser(old.url, { name: "Zoë", n: 1 });
    await table.alter();
    expect(await table.app(old.url, user.storage).gotToken).toMatchObject({ token: user.token, errors: "" });
    await user.put("n", 2);
    await until(async () => (await table.data(user.token)) === '{"name":"Zoë","n":2}');
    expect((await table.oldUser(old.url)).token).toHaveLength(32);
  });
});

describe.each([["before"], ["after"], ["without"]])("a user of the old package, %s the update", (when) => {
  test.each<[string, OldClient]>([
    ["socket.io-client 1.7.4", io1],
    ["socket.io-client 2.5.0", io2],
    ["socket.io-client 4", io4 as unknown as OldClient],
  ])("stays logged in by %s", async (_, io) => {
    const old = await table.oldServer();
    const { token, storage } = await table.oldUser(old.url, { userId: 7 }, io);
    await table.alter();
    if (when === "before") await adoptTokens(table.database);
    const server = await table.newServer();
    const here = table.app(server.url, storage, io);
    expect(await here.gotToken).toMatchObject({ token, errors: "", created: false });
    expect(await here.read("userId")).toBe(7);
    await here.put("cart", [1]);
    if (when === "after") await adoptTokens(table.database);
    here.socket.close();

    const again = table.app(server.url, storage, io);
    expect(await again.gotToken).toMatchObject({ token, errors: "", created: false });
    expect(await again.read("cart")).toEqual([1]);
    await again.put("cart", [2]);
    const [row, ...others] = await table.database.rows("select * from session");
    expect(others).toEqual([]);
    expect(row).toMatchObject({ sessionId: idOf(token), data: '{"userId":7,"cart":[2]}' });
    expect(Number(row?.["createdAt"])).toBeGreaterThan(Number(row?.["expires"]) - 3 * 86_400);
    expect(await table.readable([token])).toEqual([]);
    expect(server.log.text).not.toContain(token);
  });
});

test("our client with the old key goes on with the old token, which is no public id, until a login", async () => {
  const { token, storage } = await table.oldUser((await table.oldServer()).url);
  await table.alter();
  const server = await table.newServer();
  const client = server.client({ autoConnect: false });
  const session = clientSession(client, { storage: device(storage), key: "token" });
  const connected = new Promise((resolve) => server.io.once("connection", resolve));
  client.connect();
  await connected;
  await session.ready;
  expect([session.token, session.id]).toEqual([token, ""]);
  expect(await ask(client, "read", "userId")).toBe(7);
  const handle = [...server.io.sockets.sockets.values()][0]?.session;
  expect(handle?.id).toBe(idOf(token));

  await handle?.login(7);
  expect(session.token).toMatch(new RegExp(`^${idOf(token)}\\..{43}$`));
  expect(session.id).toBe(idOf(token));
  const invalid = new Promise((resolve) => server.sessions.once("sessionInvalid", resolve));
  expect(await present(server, token)).toMatchObject({ errors: "Session Not Found", created: true });
  expect(await invalid).toEqual({ sessionId: idOf(token), reason: "retired" });
  expect(await present(server, session.token)).toMatchObject({ errors: "" });
  expect(server.log.text).not.toContain(token);
});

describe("while servers are exchanged", () => {
  test("both packages write at once, clients move in the midst of it, and nothing is lost", async () => {
    const old = await table.oldServer();
    const users = await Promise.all(Array.from({ length: 24 }, (_, n) => table.oldUser(old.url, { n })));
    await table.alter();
    const servers = [await table.newServer(), await table.newServer()];
    const updates = [adoptTokens(table.database)];
    await Promise.all(
      users.map(async (user, at) => {
        // A third never left, and goes on writing by the old server.
        if (at % 3 === 0) {
          await user.put("last", "old");
          return;
        }
        user.socket.close();
        // Two devices' worth of connections present the same token to two servers at the same moment.
        const both = servers.map(({ url }) => table.app(url, user.storage));
        for (const { gotToken } of both)
          expect(await gotToken).toMatchObject({ token: user.token, errors: "", created: false });
        await Promise.all(both.map(({ put }, server) => put(`by${server}`, at)));
        if (at === 13) updates.push(adoptTokens(table.database));
      }),
    );
    await Promise.all(updates);
    await old.close();
    table.closing.shift();
    await adoptTokens(table.database);

    const tokens = users.map(({ token }) => token);
    expect(await table.readable(tokens)).toEqual([]);
    expect(await table.database.rows("select sessionId from session where secretHash is null")).toEqual([]);
    expect(await table.database.rows("select sessionId from session")).toHaveLength(users.length);
    for (const [at, { token }] of users.entries()) {
      expect(await present(servers[at % 2] as TestServer, token)).toMatchObject({ token, errors: "" });
      const values: unknown = JSON.parse((await table.data(idOf(token))) ?? "null");
      expect(values).toEqual(at % 3 === 0 ? { n: at, last: "old" } : { n: at, by0: at, by1: at });
    }
    for (const { log } of servers) {
      expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
      expect(tokens.filter((token) => log.text.includes(token))).toEqual([]);
    }
  });

  test.each([[false], [true]])(
    "an old server writes a row again that was adopted; a new one has written since: %s",
    async (written) => {
      const user = await table.oldUser((await table.oldServer()).url, { n: 1 });
      await table.alter();
      await adoptTokens(table.database);
      const server = await table.newServer();
      const here = table.app(server.url, user.storage);
      await here.gotToken;
      if (written) await here.put("n", 3);
      await user.put("n", 2);
      await until(async () => (await table.data(user.token)) === '{"n":2}');
      // The adopted row is the one that counts, and the other is no way in beside it.
      expect(await table.app(server.url, user.storage).read("n")).toBe(written ? 3 : 1);

      await adoptTokens(table.database);
      expect(await table.database.rows("select sessionId, data from session")).toEqual([
        { sessionId: idOf(user.token), data: written ? '{"n":3}' : '{"n":2}' },
      ]);
      // The process that has it open takes it over before it writes.
      await here.put("m", 1);
      expect(JSON.parse((await table.data(idOf(user.token))) ?? "")).toEqual({ n: written ? 3 : 2, m: 1 });
      const before = await table.database.rows("select * from session");
      await adoptTokens(table.database);
      expect(await table.database.rows("select * from session")).toEqual(before);
    },
  );

  test("a client sent back to an old server loses its session, as the README says", async () => {
    const old = await table.oldServer();
    const { token, storage } = await table.oldUser(old.url);
    await table.alter();
    const server = await table.newServer();
    await table.app(server.url, storage).gotToken;
    const back = await table.app(old.url, storage).gotToken;
    expect(back.errors).toBe("Session Not Found");
    expect(back.token).not.toBe(token);
  });
});
