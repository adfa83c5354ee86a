import { expect, test } from "@jest/globals";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import { opaqueToken } from "../../../src/token/opaque.js";
import { cookieRow } from "../../support/http/cookie-client.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// The store of express-session, called as libraries call it that know the contract and nothing of ours.

const nodes = useNodes();
const cookie = { originalMaxAge: 60_000, httpOnly: true, path: "/" } as never;

async function store() {
  const node = await nodes.node();
  await nodes.database.pool.query("delete from session");
  return { node, store: new ConnectStore(node.sessions) };
}

const idOf = (sid: string) => opaqueToken(sid).sessionId;

async function dataOf(sid: string): Promise<Record<string, unknown> | undefined> {
  return (await cookieRow(nodes, idOf(sid)))?.values;
}

test("what no request knows is told by the callback, in a turn of its own", async () => {
  const { store: one } = await store();
  const order: unknown[] = [];
  await new Promise<void>((resolve) => {
    one.get("nobody", (error, session) => {
      order.push([error, session]);
      resolve();
    });
    order.push("asked");
  });
  expect(order).toEqual(["asked", [null, null]]);
  expect(await one.get("nobody")).toBeNull();
  await Promise.all([one.destroy("nobody"), one.touch("nobody", { cookie })]);
  expect(await nodes.row(idOf("nobody"))).toBeUndefined();
});

test("get, change, set: only what was changed is written, and what is missing deleted", async () => {
  const { node, store: one } = await store();
  await one.set("a", { cookie, kept: 1, changed: 1, gone: 1 } as never);
  const read = (await one.get("a")) as unknown as Record<string, unknown>;
  expect(read).toMatchObject({ kept: 1, changed: 1, gone: 1, cookie: { originalMaxAge: 60_000 } });
  const handle = await node.sessions.find(idOf("a"));
  await handle?.set({ kept: "theirs", more: "theirs" } as never);
  read["changed"] = 2;
  delete read["gone"];
  await one.set("a", read as never);
  expect(await dataOf("a")).toEqual({ kept: "theirs", changed: 2, more: "theirs" });
  // What was just saved is what the next save is compared with.
  await handle?.set("changed", "theirs");
  read["last"] = 1;
  await one.set("a", read as never);
  expect(await dataOf("a")).toEqual({ kept: "theirs", changed: "theirs", more: "theirs", last: 1 });
});

test("an object that was not read here: all its keys are set, and others stay", async () => {
  const { store: one } = await store();
  await one.set("a", { cookie, theirs: 1, both: 1 } as never);
  await one.set("a", { cookie, mine: 2, both: 2 } as never);
  expect(await dataOf("a")).toEqual({ theirs: 1, both: 2, mine: 2 });
});

test("two saves of one new session that do not wait for each other", async () => {
  const { node, store: one } = await store();
  const data: Record<string, unknown> = { cookie, n: 1, gone: 1 };
  const started: unknown[] = [];
  node.sessions.on("sessionStart", (event) => started.push(event));
  const first = one.set("a", data as never);
  data["n"] = 2;
  delete data["gone"];
  await Promise.all([first, one.set("a", data as never)]);
  expect(await dataOf("a")).toEqual({ n: 2 });
  expect(started).toEqual([{ sessionId: idOf("a"), client: null }]);
});

test("a new session whose insert was not answered is there once, with what was set", async () => {
  const { node, store: one } = await store();
  await one.set("warm", { cookie } as never);
  const cut = node.proxy.cutNextAnswer("insert into ");
  await Promise.all([cut, one.set("a", { cookie, n: 1 } as never)]);
  expect(await dataOf("a")).toEqual({ n: 1 });
});

test("what cannot be saved is an error, also where nobody waits for it; and there is no half of it", async () => {
  const { node, store: one } = await store();
  const large = { cookie, large: "x".repeat(70_000) };
  expect(await outcome(one.set("a", large as never))).toBe("SESSION_TOO_LARGE");
  expect(await nodes.row(idOf("a"))).toBeUndefined();
  await one.set("a", { cookie, n: 1 } as never);
  const said = next(node.sessions, "error");
  one.set("a", { cookie, n: 2, wrong: 1n } as never, () => {});
  expect(await said).toEqual([expect.objectContaining({ code: "SESSION_VALUE_INVALID" })]);
  expect(await dataOf("a")).toEqual({ n: 1 });
});

test("destroy tells the session's sockets; a save afterwards writes nothing", async () => {
  const { node, store: one } = await store();
  await one.set("a", { cookie, n: 1 } as never);
  const read = await one.get("a");
  const other = await nodes.node();
  const elsewhere = await other.sessions.find(idOf("a"));
  const ended = next(node.sessions, "sessionEnd");
  await one.destroy("a");
  expect(await ended).toEqual([{ sessionId: idOf("a"), reason: "destroyed" }]);
  await one.set("a", Object.assign(read as never, { n: 2 }));
  await one.touch("a", read as never);
  expect(await nodes.row(idOf("a"))).toBeUndefined();
  expect(await outcome(elsewhere?.set("n", 3) as Promise<void>)).toBe("SESSION_ENDED");
});

test("an id that a newer secret has replaced opens nothing, saves nothing and ends nothing", async () => {
  const { store: one } = await store();
  await one.set("a", { cookie, n: 1 } as never);
  const read = (await one.get("a")) as unknown as Record<string, unknown>;
  await nodes.database.pool.query(
    "update session set previousHash = secretHash, secretHash = ?, revision = revision + 1 where sessionId = ?",
    [Buffer.alloc(32, 7), idOf("a")],
  );
  expect(await one.get("a")).toBeNull();
  read["n"] = 2;
  await one.set("a", read as never);
  await one.touch("a", { ...read, cookie: { ...(cookie as object), originalMaxAge: 1 } } as never);
  await one.destroy("a");
  expect(await outcome(one.set("a", { cookie, n: 3 } as never))).toBe("SESSION_TOKEN_CHANGED");
  expect(await dataOf("a")).toEqual({ n: 1 });
});

test("all, length and clear, also of sockets' sessions", async () => {
  const { node, store: one } = await store();
  for (const sid of ["a", "b", "c"]) await one.set(sid, { cookie, sid } as never);
  await one.set("gone", { cookie } as never);
  await nodes.database.pool.query("update session set expires = unix_timestamp() where sessionId = ?", [
    idOf("gone"),
  ]);
  const socket = await node.connect();
  await socket.session.set("n", 1);
  expect(await one.length()).toBe(4);
  const listed = (await one.all()) as unknown as Record<string, unknown>[];
  const expected = ["a", "b", "c"].map((sid) => ({ id: idOf(sid), sid, originalMaxAge: 60_000 }));
  expect(
    listed
      .map(({ id, sid, n, cookie }) => ({
        ...{ id, sid, n },
        originalMaxAge: (cookie as { originalMaxAge: number | null }).originalMaxAge,
      }))
      .sort((first, second) => (String(first.id) < String(second.id) ? -1 : 1)),
  ).toEqual(
    [...expected, { id: socket.id, n: 1, originalMaxAge: null }].sort((first, second) =>
      first.id < second.id ? -1 : 1,
    ),
  );
  const told = next(socket.client, "sessionEnd");
  await one.clear();
  expect(await told).toEqual([{ reason: "destroyed" }]);
  expect([await one.length(), await one.all()]).toEqual([0, []]);
});

test("a list longer than a page is whole", async () => {
  const { store: one } = await store();
  await one.set("a", { cookie } as never);
  await nodes.database.pool.query(
    "insert into session (sessionId, expires, data, revision, writers) " +
      "with recursive n (n) as (select 1 union all select n + 1 from n where n < 600) " +
      `select lpad(hex(n), 32, '0'), unix_timestamp() + 60, '{}', n, '' from n`,
  );
  // Upper case is no id of ours: such a row is one that the old package wrote, and its key a token.
  const isOurs = (n: number) => n.toString(16) === n.toString(16).toUpperCase();
  const ours = Array.from({ length: 600 }, (_, n) => n + 1).filter(isOurs).length;
  expect(await one.length()).toBe(601);
  const ids = ((await one.all()) as unknown as { id: string }[]).map(({ id }) => id);
  expect([ids.length, new Set(ids).size]).toEqual([ours + 1, ours + 1]);
});

test("is made of token sessions and nothing else", () => {
  for (const wrong of [undefined, {}, () => {}])
    expect(() => new ConnectStore(wrong as never)).toThrow(
      expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
    );
});
