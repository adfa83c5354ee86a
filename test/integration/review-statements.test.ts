import { afterAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { createPool } from "mysql2/promise";
import { MysqlStore } from "../../src/stores/mysql.js";
import { createTestDatabase, poolOptions } from "../support/database.js";

const database = await createTestDatabase();
afterAll(() => database.drop());
const log = { info() {}, warn() {}, error() {}, debug() {} } as never;
const settings = { expiration: 1000, absoluteExpiration: 10000, storeTimeout: 10, log };

async function go(flags: object, prepare: string[] = [], table = "session") {
  const pool = createPool({ ...poolOptions(database.url), connectionLimit: 1, ...flags });
  for (const each of prepare) await pool.query(each);
  try {
    const store = new MysqlStore(pool, table, settings);
    const ids = Array.from({ length: 6 }, () => randomBytes(16).toString("hex"));
    await store.insert(ids.map((sessionId, n) => ({ sessionId, secretHash: randomBytes(32), data: "{}", client: null, revision: n ? 2 ** 48 - n : 1, writers: Buffer.alloc(0) })));
    const datas = ['{}', `{"a":"${"x".repeat(60_000)}"}`, '{"q":"?\'\\\\ ? 😀"}', `{"a":"${"é".repeat(200_000)}"}`, `{"a":"${"😀".repeat(70_000)}"}`, '{"x":1}'];
    const attempts = ids.map((sessionId, n) => ({ sessionId, baseRevision: n ? 2 ** 48 - n : 1, revision: n === 2 ? 0 : 2 ** 47 + n, data: datas[n]!, writers: randomBytes(n === 0 ? 1 : 16 * n) }));
    expect(await store.write(attempts, { mayWait: false })).toEqual(ids.map(() => true));
    const rows = await store.load(ids);
    for (const a of attempts) {
      const row = rows.find((r) => r.sessionId === a.sessionId)!;
      expect(row.data === a.data).toBe(true);
      expect(row.revision).toBe(a.revision);
      expect(Buffer.compare(Buffer.from(row.writers), a.writers)).toBe(0);
    }
    expect(await store.touch(ids, { beginVisit: true })).toEqual([]);
    expect(await store.touch(ids, { beginVisit: false })).toEqual([]);
    expect(await store.write([{ ...attempts[0]!, baseRevision: attempts[0]!.revision, revision: 5 }], { mayWait: false })).toEqual([true]);
    expect((await store.loadRevisions(ids)).length).toBe(6);
    await store.delete(ids);
  } finally {
    await pool.end();
  }
}
test.each([
  ["plain", {}, []],
  ["no found rows", { flags: ["-FOUND_ROWS"] }, []],
  ["strings", { supportBigNumbers: true, bigNumberStrings: true, namedPlaceholders: true, multipleStatements: true, dateStrings: true, decimalNumbers: true }, []],
  ["safe updates", {}, ["set sql_safe_updates = 1"]],
  ["ansi", {}, ["set sql_mode = 'ANSI,STRICT_ALL_TABLES'"]],
  ["no strict", {}, ["set sql_mode = ''"]],
  ["select limit", {}, ["set sql_select_limit = 2"]],
  ["big selects off", {}, ["set sql_big_selects = 0, max_join_size = 10"]],
  ["serializable", {}, ["set session transaction isolation level serializable"]],
  ["derived merge", {}, ["set optimizer_switch = 'derived_merge=on'"]],
] as [string, object, string[]][])("%s", async (_, flags, prepare) => go(flags, prepare));
test("db.table", () => go({}, [], `${database.schema}.session`));
