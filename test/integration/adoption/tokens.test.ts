import { describe, expect, test } from "@jest/globals";
import { type DatabaseProxy, startProxy } from "../../support/database/proxy.js";
import { adoptTokens } from "../../support/old-package/old-package.js";
import { idOf, present, useOldTable } from "../../support/old-package/old-table.js";
import { gotToken } from "../../support/servers/server.js";

const table = useOldTable();

describe("what opens nothing", () => {
  test("public ids, hashes, and what is no token of the old package", async () => {
    const old = await table.oldServer();
    const { token } = await table.oldUser(old.url);
    const { token: waiting } = await table.oldUser(old.url, { userId: 8 });
    await table.alter();
    const server = await table.newServer();
    expect(await present(server, token)).toMatchObject({ token, errors: "" });
    const own = await present(server, "");
    const before = await table.database.rows("select * from session order by sessionId");
    const reasons: unknown[] = [];
    server.sessions.on("sessionInvalid", ({ reason }) => void reasons.push(reason));
    const known = [own.token.slice(0, 32), idOf(token), "A".repeat(32), waiting.toLowerCase()];
    const malformed = [
      waiting.slice(1),
      `${waiting}=`,
      ` ${waiting.slice(1)}`,
      `${waiting}\n`,
      `${waiting.slice(1)}%`,
      "é".repeat(32),
      [waiting],
      { sessionId: waiting },
      7,
    ];
    for (const presented of [...known, ...malformed]) {
      const { errors, created, token: fresh } = await present(server, presented);
      expect([errors, created, fresh === presented]).toEqual(["Session Not Found", true, false]);
    }
    expect(reasons).toEqual([...known.map(() => "unknown"), ...malformed.map(() => "malformed")]);
    const ids = before.map(({ sessionId }) => sessionId);
    expect(
      await table.database.rows("select * from session where sessionId in (?) order by sessionId", [ids]),
    ).toEqual(before);
  });

  test("a row that has expired, and after the update it is said", async () => {
    const { token } = await table.oldUser((await table.oldServer()).url);
    await table.alter();
    await table.database.pool.query("update session set expires = unix_timestamp() where sessionId = ?", [
      token,
    ]);
    const server = await table.newServer();
    expect(await present(server, token)).toMatchObject({ errors: "Session Not Found", created: true });
    expect(await table.data(token)).toBe('{"userId":7}');
    await adoptTokens(table.database);
    expect(await present(server, token)).toMatchObject({ errors: "Session Expired", created: true });
  });

  test("without the option, any token of the old package; its row stays as it is", async () => {
    const { token } = await table.oldUser((await table.oldServer()).url);
    await table.alter();
    const server = await table.newServer({ legacyTokens: false });
    const invalid = new Promise((resolve) => server.sessions.once("sessionInvalid", resolve));
    expect(await gotToken(server.client({ auth: { token } }))).toMatchObject({
      errors: "Session Not Found",
    });
    expect(await invalid).toEqual({ reason: "malformed" });
    expect(await table.data(token)).toBe('{"userId":7}');
  });
});

const STATEMENT = "update `session` set `sessionId`";

test.each<[string, (proxy: DatabaseProxy) => Promise<void>]>([
  ["its answer is lost", (proxy) => proxy.cutNextAnswer(STATEMENT)],
  ["the connection is lost before it", async (proxy) => (await proxy.hold(STATEMENT)).abandon()],
])("a row is adopted all the same if %s, and the token is not in the log", async (_, disturb) => {
  const { token } = await table.oldUser((await table.oldServer()).url);
  await table.alter();
  const proxy = await startProxy(table.database.url);
  table.closing.unshift(() => proxy.close());
  const server = await table.newServer({ databaseUrl: proxy.through(table.database.url) });
  const disturbed = disturb(proxy);
  expect(await present(server, token)).toMatchObject({ token, errors: "", created: false });
  await disturbed;
  expect(await table.data(idOf(token))).toBe('{"userId":7}');
  expect(server.log.text).not.toContain(token);
});

test("a row that cannot be adopted now opens nothing new, and its token reaches no log", async () => {
  const { token } = await table.oldUser((await table.oldServer()).url);
  await table.alter();
  const { database } = table;
  const server = await table.newServer();
  const blocked = "create trigger blocked before update on session for each row signal sqlstate '45000'";
  await database.pool.query(`${blocked} set message_text = 'not now'`);
  expect(await present(server, token)).toEqual({ token: "", errors: "Session store unavailable" });
  expect(await table.readable([token])).toEqual([token]);
  expect(server.log.text).toContain("SESSION_STORE_FAILED");
  expect(server.log.text).not.toContain(token);
});
