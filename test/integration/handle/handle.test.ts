import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { liveIds, type Rig, serverSideOf, startRig } from "../../support/servers/rig.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

let database: TestDatabase;
let rig: Rig;
beforeAll(async () => {
  database = await createTestDatabase();
  rig = await startRig({ databaseUrl: database.url, options: { maxBytes: 2000 } });
});
afterAll(async () => {
  await rig.close();
  await database.drop();
});

async function dataOf(id: string): Promise<unknown> {
  const [row] = await database.rows<{ data: string }>("select data from session where sessionId = ?", [id]);
  return JSON.parse(row?.data ?? "null");
}

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", note));
afterAll(() => void process.off("unhandledRejection", note));
afterEach(() => expect(unhandled).toEqual([]));

describe("get", () => {
  test("gives what was set, at once; a missing key is an empty string, or the fallback", async () => {
    const { session } = await rig.connect();
    const set = session.set("userId", 7);
    expect(session.get("userId")).toBe(7);
    await set;
    expect(session.get("userId")).toBe(7);
    expect(session.get("missing")).toBe("");
    expect(session.get("missing", 3)).toBe(3);
    expect(session.get("missing", undefined)).toBeUndefined();
    expect(session.has("userId")).toBe(true);
    expect(session.has("missing")).toBe(false);
  });

  test("gives copies", async () => {
    const { session } = await rig.connect();
    const cart = [{ id: "a" }];
    await session.set("cart", cart);
    cart.push({ id: "b" });
    (session.get("cart") as unknown[]).push("c");
    (session.toJSON()["cart"] as unknown[]).push("d");
    expect(session.get("cart")).toEqual([{ id: "a" }]);
  });

  test("null, false, 0 and an empty string are values", async () => {
    const { session } = await rig.connect();
    await session.set({ a: null, b: false, c: 0, d: "" });
    expect([session.get("a"), session.get("b"), session.get("c"), session.get("d")]).toEqual([
      null,
      false,
      0,
      "",
    ]);
    expect(["a", "b", "c", "d"].every((key) => session.has(key))).toBe(true);
  });

  test("__proto__ and its kind are keys like any other", async () => {
    const { session, id, token } = await rig.connect();
    await session.set("__proto__", { admin: true });
    await session.set("constructor", 1);
    expect(session.get("__proto__")).toEqual({ admin: true });
    expect(session.get("toString")).toBe("");
    expect(session.get("admin")).toBe("");
    expect(await dataOf(id)).toEqual(JSON.parse('{"__proto__":{"admin":true},"constructor":1}'));
    expect((await rig.connect(token)).session.get("constructor")).toBe(1);
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
  });
});

describe("changes", () => {
  test("are in the row when their promise resolves", async () => {
    const { session, id } = await rig.connect();
    await session.set("a", 1);
    expect(await dataOf(id)).toEqual({ a: 1 });
    await session.set({ b: 2, c: 3, a: undefined });
    expect(await dataOf(id)).toEqual({ b: 2, c: 3 });
    await session.delete("b");
    expect(await dataOf(id)).toEqual({ c: 3 });
    await session.set("c", undefined);
    expect(await dataOf(id)).toEqual({});
    await session.set("d", 4);
    await session.clearSession();
    expect(await dataOf(id)).toEqual({});
    expect(session.toJSON()).toEqual({});
    expect(session.active).toBe(true);
  });

  test("of what cannot be kept are refused, and nothing else is lost", async () => {
    const { session, id } = await rig.connect();
    await session.set("kept", 1);
    await expect(session.set("big", 1n)).rejects.toMatchObject({ code: "SESSION_VALUE_INVALID" });
    await expect(session.set({ fine: 1, wrong: Number.NaN })).rejects.toMatchObject({
      code: "SESSION_VALUE_INVALID",
    });
    await expect(session.set(7 as unknown as string, 1)).rejects.toMatchObject({
      code: "SESSION_VALUE_INVALID",
    });
    await expect(session.set(null as never)).rejects.toMatchObject({ code: "SESSION_VALUE_INVALID" });
    await expect(session.delete(7 as never)).rejects.toMatchObject({ code: "SESSION_VALUE_INVALID" });
    await expect(session.set("much", "x".repeat(3000))).rejects.toMatchObject({
      code: "SESSION_TOO_LARGE",
      message: expect.stringMatching(/3020 bytes, the limit is 2000/),
      sessionId: id,
    });
    expect(session.toJSON()).toEqual({ kept: 1 });
    expect(await dataOf(id)).toEqual({ kept: 1 });
  });

  test("that nobody waits for are logged and announced, and end nothing", async () => {
    const { session, id } = await rig.connect();
    const announced = new Promise((resolve) => rig.sessions.once("error", resolve));
    void session.set("much", "x".repeat(3000));
    expect(await announced).toMatchObject({ code: "SESSION_TOO_LARGE", sessionId: id });
    expect(rig.log.lines).toContainEqual(
      expect.objectContaining({ level: "warn", code: "SESSION_TOO_LARGE", sessionId: id }),
    );
  });

  test("made together go to the database together, in order", async () => {
    const { session, id } = await rig.connect();
    const revisions = new Set<string>();
    const sets = Array.from({ length: 100 }, async (_, n) => {
      await session.set("n", n);
      const [row] = await database.rows<{ revision: number }>(
        "select revision from session where sessionId = ?",
        [id],
      );
      revisions.add(String(row?.revision));
    });
    expect(session.get("n")).toBe(99);
    await Promise.all(sets);
    expect(await dataOf(id)).toEqual({ n: 99 });
    expect(revisions.size).toBe(1);
  });

  test("without a session are refused", async () => {
    const client = rig.client();
    await new Promise((resolve) => client.once("connect", () => resolve(undefined)));
    const socket = rig.io.sockets.sockets.get(client.id ?? "");
    const session = socket?.session;
    await expect(session?.set("a", 1)).rejects.toMatchObject({ code: "SESSION_MISSING" });
    await expect(session?.clearSession()).rejects.toMatchObject({ code: "SESSION_MISSING" });
    expect(session?.active).toBe(false);
    expect([session?.id, session?.createdAt, session?.client]).toEqual([undefined, 0, null]);
    const ready = session?.ready;
    await ask(client, "getToken", { token: "" });
    await ready;
    // The same handle, now with its session.
    expect(socket?.session).toBe(session);
    await session?.set("a", 1);
  });

  test("after the row is gone are refused, and write nothing back", async () => {
    const { session, id } = await rig.connect();
    await session.set("a", 1);
    await database.pool.query("delete from session where sessionId = ?", [id]);
    await expect(session.set("a", 2)).rejects.toMatchObject({ code: "SESSION_ENDED", sessionId: id });
    await expect(session.set("a", 3)).rejects.toMatchObject({ code: "SESSION_ENDED" });
    expect(session.active).toBe(false);
    expect(await database.rows("select * from session where sessionId = ?", [id])).toEqual([]);
  });

  test("after the row has expired are refused, and revive nothing", async () => {
    const { session, id } = await rig.connect();
    await database.pool.query("update session set expires = unix_timestamp() - 1 where sessionId = ?", [id]);
    await expect(session.set("a", 2)).rejects.toMatchObject({ code: "SESSION_ENDED" });
    expect(await dataOf(id)).toEqual({});
  });

  test("by a handler whose socket has gone are still written", async () => {
    const { session, client, socket, id } = await rig.connect();
    const gone = new Promise((resolve) => socket.once("disconnect", resolve));
    client.disconnect();
    await gone;
    await session.set("late", 1);
    expect(await dataOf(id)).toEqual({ late: 1 });
  });
});

test("a refused change on the handle of a socket that has gone keeps nothing alive", async () => {
  const { session, client, socket, token, id } = await rig.connect();
  const gone = new Promise((resolve) => socket.once("disconnect", resolve));
  client.disconnect();
  await gone;
  await expect(session.set("big", 1n)).rejects.toMatchObject({ code: "SESSION_VALUE_INVALID" });
  await expect(session.set("much", "x".repeat(3000))).rejects.toMatchObject({ code: "SESSION_TOO_LARGE" });
  expect(liveIds(rig.sessions)).not.toContain(id);
  await session.set("fine", 1);
  expect((await rig.connect(token)).session.get("fine")).toBe(1);
});

test("ready of a socket that has gone rejects, and ends nothing when nobody waits", async () => {
  const client = rig.client();
  await next(client, "connect");
  const socket = serverSideOf(rig.io, client);
  const gone = new Promise((resolve) => socket.once("disconnect", resolve));
  client.disconnect();
  await gone;
  void socket.session.ready;
  await expect(socket.session.ready).rejects.toMatchObject({ code: "SESSION_MISSING" });
});

test.each<[string, unknown]>([
  ["a Map", new Map([["a", 1]])],
  ["an array", ["a"]],
  ["a Date", new Date()],
  [
    "an object that cannot be read",
    {
      get a() {
        throw new Error("no");
      },
    },
  ],
])("several values by %s are refused", async (_, values) => {
  const { session } = await rig.connect();
  await expect(session.set(values as never)).rejects.toMatchObject({ code: "SESSION_VALUE_INVALID" });
  expect(session.toJSON()).toEqual({});
});

test("a handle stays with its session when the socket switches", async () => {
  const { client, socket, session, id } = await rig.connect();
  const other = await rig.connect();
  await ask(client, "getToken", { token: other.token });
  expect(socket.session).not.toBe(session);
  expect(socket.session.id).toBe(other.id);
  await session.set("who", "old");
  await socket.session.set("who", "new");
  expect(await dataOf(id)).toEqual({ who: "old" });
  expect(await dataOf(other.id)).toEqual({ who: "new" });
});

test("times and the client's description", async () => {
  const client = rig.client({ auth: { token: "", client: { device: "Pixel 9", version: 3, beta: false } } });
  const { token, expiresAt } = await gotToken(client);
  const again = await rig.connect(token);
  const [row] = await database.rows<Record<string, number>>("select * from session where sessionId = ?", [
    again.id,
  ]);
  expect(again.session.client).toEqual({ device: "Pixel 9", version: 3, beta: false });
  expect(again.session.createdAt).toBe(row?.["createdAt"]);
  expect(again.session.visitedAt).toBe(row?.["visitedAt"]);
  expect(again.session.previousVisitAt).toBe(0);
  expect(again.session.expiresAt).toBe(row?.["expires"]);
  expect(Math.abs((expiresAt ?? 0) - again.session.expiresAt)).toBeLessThanOrEqual(1);
});

test.each([
  ["nested", { a: { b: 1 } }],
  ["long", { a: "x".repeat(1100) }],
  ["an array", [1]],
  ["a text", "Pixel"],
])("a client's description that is %s is not kept", async (_, description) => {
  const client = rig.client({ auth: { token: "", client: description } });
  const { token } = await gotToken(client);
  expect((await rig.connect(token)).session.client).toBeNull();
});

test("JSON's whole range comes back from the database as it went in", async () => {
  const { session, token } = await rig.connect();
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "'",
      '"',
      "\\",
      "\\'",
      "\0",
      "\u2028",
      "😀",
      "\ud83d",
      "\ude00\ud83d",
      "' or '1'='1",
      "%_",
      "\r\n",
      "é",
    ),
  );
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      text,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.oneof(text, fc.constant("__proto__")), tie("value"), { maxKeys: 4 }),
    ),
  })).value;
  await fc.assert(
    fc.asyncProperty(text, value, async (key, given) => {
      fc.pre(JSON.stringify({ [key]: given }).length < 1500);
      await session.set(key, given);
      const again = await rig.connect(token);
      // As JSON has it: -0 is 0 there.
      expect(JSON.stringify(again.session.get(key))).toBe(JSON.stringify(given));
      expect(JSON.stringify(session.get(key))).toBe(JSON.stringify(given));
      again.client.disconnect();
      await session.clearSession();
    }),
    { numRuns: 150 },
  );
});
