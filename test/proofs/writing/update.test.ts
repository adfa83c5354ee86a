import { describe, expect, test } from "@jest/globals";
import type { SessionDraft } from "../../../src/index.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// session.update(fn): exact whoever else writes, because fn runs again on newer values.

const nodes = useNodes();

const increment = (draft: SessionDraft): number => {
  draft["n"] = (draft["n"] ?? 0) + 1;
  return draft["n"];
};

describe("counters", () => {
  test("are exact from ten sockets on two servers at once, and each result is one that was saved", async () => {
    const both = [await nodes.node(), await nodes.node()];
    const first = await both[0]?.connect();
    const connected = await Promise.all(
      Array.from({ length: 10 }, (_, n) => both[n % 2]?.connect(first?.token)),
    );
    const counts = connected.map(async (each) => {
      const seen: unknown[] = [];
      // Both ways: one after the other, and several without waiting.
      for (let round = 0; round < 10; round++) {
        seen.push(await each?.session.update(increment));
        seen.push(...(await Promise.all([each?.session.update(increment), each?.session.update(increment)])));
      }
      return seen;
    });
    const seen = (await Promise.all(counts)).flat() as number[];
    expect((await nodes.row(first?.id ?? ""))?.data).toEqual({ n: 300 });
    // Every number once: no result of a run that was not saved.
    expect(seen.sort((one, other) => one - other)).toEqual(Array.from(seen, (_, n) => n + 1));
  });

  test("are exact when answers are lost", async () => {
    const [one, other] = [await nodes.node(), await nodes.node()];
    const here = await one.connect();
    const there = await other.connect(here.token);
    for (let round = 0; round < 15; round++) {
      const cut = one.proxy.cutNextAnswer("update ");
      const update = here.session.update(increment);
      await cut;
      await Promise.all([update, there.session.update(increment)]);
    }
    expect((await nodes.row(here.id))?.data).toEqual({ n: 30 });
  });
});

test("resolves to what fn returned in the run that was saved", async () => {
  const node = await nodes.node();
  const { session, id } = await node.connect();
  await session.set("who", "first");
  await nodes.database.pool.query(
    `update session set data = '{"who":"second"}', revision = revision + 1 where sessionId = ?`,
    [id],
  );
  const seen: unknown[] = [];
  const result = await session.update((draft) => {
    seen.push(draft["who"]);
    draft["met"] = draft["who"];
    return { met: draft["who"] };
  });
  expect(result).toEqual({ met: "second" });
  expect([seen[0], seen.at(-1)]).toEqual(["first", "second"]);
  expect((await nodes.row(id))?.data).toEqual({ who: "second", met: "second" });
  expect(await session.update(() => undefined)).toBeUndefined();
});

describe("fn that fails", () => {
  test("by throwing: its own error comes out, nothing changes, and it is told as SESSION_UPDATE_FAILED", async () => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    await session.set("n", 1);
    const before = await nodes.row(id);
    const told = next(node.sessions, "error");
    const own = new RangeError("not so many, 'secret'");
    const failed = session.update((draft) => {
      draft["n"] = 100;
      throw own;
    });
    await expect(failed).rejects.toBe(own);
    expect(session.get("n")).toBe(1);
    const [error] = (await told) as [Error];
    expect(error).toMatchObject({ code: "SESSION_UPDATE_FAILED", sessionId: id });
    expect(error.cause).toBe(own);
    await node.log.line(/update\(\) threw/);
    expect(node.log.lines.at(-1)).toMatchObject({ code: "SESSION_UPDATE_FAILED", sessionId: id });
    expect(node.log.text).not.toContain("secret");
    // In company: the others are saved.
    const company = [
      session.update(increment),
      session.update(() => {
        throw own;
      }),
      session.set("m", 1),
    ];
    expect(await Promise.all(company.map(outcome))).toEqual(["resolved", own.message, "resolved"]);
    expect((await nodes.row(id))?.data).toEqual({ n: 2, m: 1 });
    expect(before?.data).toEqual({ n: 1 });
  });

  test("only in its second run: the same, and others' changes stay", async () => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    await session.set("n", 1);
    await nodes.database.pool.query(
      `update session set data = '{"n":5}', revision = revision + 1 where sessionId = ?`,
      [id],
    );
    const own = new Error("too many");
    const failed = session.update((draft) => {
      if (draft["n"] >= 5) throw own;
      draft["n"] += 1;
    });
    const also = session.set("m", 1);
    await expect(failed).rejects.toBe(own);
    await also;
    expect((await nodes.row(id))?.data).toEqual({ n: 5, m: 1 });
    expect(session.toJSON()).toEqual({ n: 5, m: 1 });
  });

  test.each<[string, unknown]>([
    ["an async function", async (draft: SessionDraft) => increment(draft)],
    ["one that rejects", async () => Promise.reject(new Error("later"))],
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested.
    ["a thenable", () => Object.fromEntries([["then", () => {}]])],
    ["no function", 7],
    ["nothing", undefined],
  ])("%s is SESSION_UPDATE_FAILED, and nothing changes", async (_, fn) => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    const before = await nodes.row(id);
    const told = next(node.sessions, "error");
    expect(await outcome(session.update(fn as () => void))).toBe("SESSION_UPDATE_FAILED");
    expect(await told).toMatchObject([{ code: "SESSION_UPDATE_FAILED" }]);
    expect(await nodes.row(id)).toEqual(before);
    expect(session.toJSON()).toEqual({});
  });

  test("and that nobody waits for makes no unhandled rejection", async () => {
    const node = await nodes.node();
    const { session } = await node.connect();
    // An unhandled rejection would fail this test by itself.
    void session.update(() => {
      throw new Error("mine");
    });
    void session.update(async () => {
      throw new Error("mine, later");
    });
    void session.update((draft) => void Object.assign(draft, { n: 1n }));
    await session.update(increment);
    await new Promise((resolve) => setImmediate(resolve));
    expect(session.toJSON()).toEqual({ n: 1 });
    expect(node.log.lines.map((line) => line["code"])).toEqual([
      "SESSION_UPDATE_FAILED",
      "SESSION_UPDATE_FAILED",
      "SESSION_VALUE_INVALID",
    ]);
  });
});

describe("the draft", () => {
  test("keeps __proto__ and its kind as plain keys, and keys that look like numbers", async () => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    await session.set("b", 1);
    const odd = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":1,"toString":2,"2":"two","1":"one","":"empty"}',
    );
    await session.update((draft) => {
      for (const [key, value] of Object.entries(odd))
        Object.defineProperty(draft, key, { value, enumerable: true, configurable: true, writable: true });
    });
    const expected = { ...odd, b: 1 };
    Object.defineProperty(expected, "__proto__", { value: { polluted: true }, enumerable: true });
    expect(JSON.stringify(await textOf(id))).toBe(JSON.stringify(sorted(expected)));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const seen = await session.update((draft) => {
      for (const key of ["__proto__", "1"]) delete draft[key];
      return Object.getOwnPropertyNames(draft).length;
    });
    expect(seen).toBe(5);
    expect(Object.keys(await textOf(id))).toEqual(["2", "", "b", "constructor", "toString"]);
  });

  test("is a copy: keeping it changes nothing later", async () => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    let kept: SessionDraft = {};
    const list = [1];
    await session.update((draft) => {
      draft["list"] = list;
      kept = draft;
    });
    list.push(2);
    kept["list"] = "changed";
    await session.update(increment);
    expect((await nodes.row(id))?.data).toEqual({ list: [1], n: 1 });
  });

  test("deleting a key, or setting it to undefined, deletes it", async () => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    await session.set({ a: 1, b: 2, c: 3 });
    await session.update((draft) => {
      delete draft["a"];
      draft["b"] = undefined;
    });
    expect((await nodes.row(id))?.data).toEqual({ c: 3 });
  });

  test("with what JSON loses, or with too much, is refused whole", async () => {
    const node = await nodes.node({ options: { maxBytes: 100 } });
    const { session, id } = await node.connect();
    await session.set("a", 1);
    const before = await nodes.row(id);
    const set = (values: object) => session.update((draft) => void Object.assign(draft, { ok: 1 }, values));
    expect(await outcome(set({ b: new Map() }))).toBe("SESSION_VALUE_INVALID");
    expect(await outcome(set({ b: [undefined] }))).toBe("SESSION_VALUE_INVALID");
    await expect(set({ b: "x".repeat(100) })).rejects.toMatchObject({
      code: "SESSION_TOO_LARGE",
      message: expect.stringMatching(/1\d\d bytes, the limit is 100/) as unknown as string,
      sessionId: id,
    });
    expect(await nodes.row(id)).toEqual(before);
    expect(session.toJSON()).toEqual({ a: 1 });
  });

  test("may grow too large only together with what another server wrote: refused then", async () => {
    const node = await nodes.node({ options: { maxBytes: 100 } });
    const { session, id } = await node.connect();
    const theirs = JSON.stringify({ theirs: "x".repeat(60) });
    await nodes.database.pool.query(
      "update session set data = ?, revision = revision + 1 where sessionId = ?",
      [theirs, id],
    );
    const mine = session.update((draft) => void Object.assign(draft, { mine: "y".repeat(60) }));
    expect(await outcome(mine)).toBe("SESSION_TOO_LARGE");
    expect((await nodes.row(id))?.data).toEqual(JSON.parse(theirs));
    expect(session.has("mine")).toBe(false);
  });
});

async function textOf(id: string): Promise<Record<string, unknown>> {
  return sorted((await nodes.row(id))?.data ?? {});
}

function sorted(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1)));
}
