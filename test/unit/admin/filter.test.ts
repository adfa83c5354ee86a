import { describe, expect, test } from "@jest/globals";
import { toDestroyFilter, toFilter, toListOptions } from "../../../src/admin/filter.js";
import { memoryStore, type TokenSessions, tokenSession } from "../../../src/index.js";
import { expectOptionRefused } from "../../support/options.js";

const id = "018f0000000070008000000000000001";

/** A cursor as the sessions give it for a filter, of one session behind which there is another. */
async function cursorOf(filter: object): Promise<string> {
  const sessions: TokenSessions = tokenSession({ store: memoryStore(), logger: false });
  const row = {
    secretHash: new Uint8Array(32),
    data: "{}",
    client: null,
    revision: 2 ** 50,
    writers: new Uint8Array(),
  };
  await sessions.store.insert([
    { ...row, sessionId: id },
    { ...row, sessionId: `${id.slice(0, -1)}2` },
  ]);
  const { cursor } = await sessions.list({ limit: 1, ...filter });
  await sessions.close();
  return cursor as string;
}

describe("what is given", () => {
  test.each<[string, unknown, RegExp]>([
    ["null", null, /options must be an object, not null/],
    ["a list", [], /must be an object, not an array/],
    ["a text", "7", /options must be an object, not string/],
    ["a number", 7, /not 7/],
    ["an unknown name", { user: 7 }, /no option "user"/],
    ["__proto__ as a name", JSON.parse('{"__proto__":{"live":true}}'), /no option "__proto__"/],
    ["constructor as a name", { constructor: 1 }, /no option "constructor"/],
    ["live as text", { live: "true" }, /live must be true or false, not string/],
    ["live null", { live: null }, /live must be true or false/],
    ["since as text", { since: "2026-01-01" }, /since must be Unix seconds/],
    ["since as a Date", { since: new Date(0) }, /since must be Unix seconds/],
    ["since NaN", { since: Number.NaN }, /since must be .* not NaN/],
    ["since below 0", { since: -1 }, /since must be .* not -1/],
    ["a fraction", { before: 1.5 }, /before must be .* not 1.5/],
    ["infinity", { before: Number.POSITIVE_INFINITY }, /before/],
    ["milliseconds", { before: 1_780_000_000_000 }, /before must be .* from 0 to 4294967295/],
    ["a list of seconds", { since: [5] }, /since must be .* not an array/],
    ["an empty range", { since: 5, before: 5 }, /since must be less than before/],
    [
      "a column without an index",
      { visitedAt: 5 },
      /no filter visitedAt: no index begins with column visitedAt/,
    ],
    ["another one", { client: { device: "x" } }, /no index begins with column client/],
  ])("%s is refused", (_, given, message) => {
    expectOptionRefused(() => toFilter(given, "count: "), message);
    expectOptionRefused(() => toListOptions(given), message);
    expectOptionRefused(() => toDestroyFilter(given), message);
  });

  test.each([null, true, "", " ada", "x".repeat(129), 1.5, Number.NaN, ["ada"], { $ne: null }])(
    "%p is no user",
    (userId) => {
      expect(() => toFilter({ userId }, "count: ")).toThrow(
        expect.objectContaining({ code: "SESSION_USER_INVALID" }),
      );
    },
  );

  test.each([0, 1001, 1.5, Number.NaN, -1, "50", null, [50]])("%p is no limit", (limit) => {
    expectOptionRefused(() => toListOptions({ limit }), /limit must be a whole number from 1 to 1000/);
  });

  test.each([{}, { userId: undefined }, { all: false }, { all: true, userId: 7 }])(
    "destroyMany does not take %j for anybody's sessions",
    (given) => {
      expectOptionRefused(() => toDestroyFilter(given), /must say which sessions, or else all: true/);
    },
  );

  test("a user is taken as login takes it", () => {
    expect(toFilter({ userId: 7 }, "count: ").userId).toBe("7");
    expect(toDestroyFilter({ all: true }).userId).toBeUndefined();
  });
});

describe("a cursor", () => {
  test("says where the next page of its filter begins, and fits into a URL", async () => {
    const cursor = await cursorOf({ before: 4_000_000_000 });
    expect(encodeURIComponent(cursor)).toBe(cursor);
    expect(toListOptions({ cursor, before: 4_000_000_000 }).after).toBe(id);
    // How many rows a page has may change.
    expect(toListOptions({ cursor, before: 4_000_000_000, limit: 7 }).after).toBe(id);
  });

  test.each([
    {},
    { userId: 7 },
    { live: false },
    { before: 4_000_000_001 },
    { since: 0, before: 4_000_000_000 },
  ])("of another filter than %j is refused", async (filter) => {
    const cursor = await cursorOf({ before: 4_000_000_000 });
    expectOptionRefused(() => toListOptions({ cursor, ...filter }), /cursor must be what a page of the same/);
  });

  test.each([
    "",
    "x",
    "A".repeat(32),
    "A".repeat(33),
    `${"A".repeat(31)}=`,
    "' or 1=1 -- ",
    id,
    7,
    {},
    ["A"],
    true,
    Number.NaN,
  ])("%p is none", (cursor) => {
    expectOptionRefused(
      () => toListOptions({ cursor }),
      /cursor must be what a page of the same filter gave/,
    );
  });

  test("with a character more, or another one, is refused", async () => {
    const cursor = await cursorOf({});
    for (const other of [
      `${cursor}A`,
      cursor.slice(1),
      `${cursor.slice(0, 25)}${cursor[25] === "A" ? "B" : "A"}${cursor.slice(26)}`,
    ])
      expectOptionRefused(() => toListOptions({ cursor: other }), /cursor/);
  });
});
