import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { SessionError } from "../../../src/errors.js";
import { checkKey, toJsonText, Values } from "../../../src/session/values.js";
import { RESERVED_KEY } from "../../../src/store.js";

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof SessionError ? error.code : `not a SessionError: ${error}`;
  }
  return undefined;
}

const cycle: Record<string, unknown> = {};
cycle["self"] = cycle;
let deep: unknown = 0;
for (let depth = 0; depth < 200_000; depth++) deep = [deep];

describe("toJsonText", () => {
  test.each([
    ["a cycle", cycle],
    ["a BigInt", 1n],
    ["a BigInt inside", { a: [1n] }],
    ["a function", () => 1],
    ["a function inside", { a: { b() {} } }],
    ["a symbol", Symbol("x")],
    ["NaN", Number.NaN],
    ["infinity inside", [Number.POSITIVE_INFINITY]],
    ["a Map", new Map([[1, 2]])],
    ["a Set inside", { a: new Set([1]) }],
    ["undefined in an array", [1, undefined]],
    ["what is nested too deeply", deep],
    ["a toJSON that gives nothing", { toJSON: () => undefined }],
    [
      "a toJSON that throws",
      {
        toJSON() {
          throw new Error("no");
        },
      },
    ],
  ])("refuses %s", (_, value) => {
    expect(codeOf(() => toJsonText("key", value))).toBe("SESSION_VALUE_INVALID");
  });

  test("keeps what JSON keeps", () => {
    expect(toJsonText("key", { at: new Date(0), none: undefined })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
    expect(toJsonText("key", -0)).toBe("0");
    expect(toJsonText("key", null)).toBe("null");
    expect(toJsonText("key", undefined)).toBeUndefined();
  });

  test("never puts the value into the message", () => {
    try {
      toJsonText("card", { number: "4111-1111", again: cycle });
      throw new Error("was accepted");
    } catch (error) {
      expect(String(error)).toContain('"card"');
      expect(String(error)).not.toContain("4111");
    }
  });
});

test.each([[7], [null], [undefined], [{}], [Symbol.iterator]])("checkKey refuses %p", (key) => {
  expect(codeOf(() => checkKey(key))).toBe("SESSION_VALUE_INVALID");
});

const step = fc.oneof(
  fc.record({
    do: fc.constant("set" as const),
    key: fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("__proto__", "constructor", "toString", "a", "b"),
    ),
    value: fc.jsonValue(),
  }),
  fc.record({ do: fc.constant("delete" as const), key: fc.constantFrom("__proto__", "a", "b") }),
  fc.record({ do: fc.constant("clear" as const) }),
  fc.record({ do: fc.constant("reserve" as const), value: fc.jsonValue() }),
);

describe("Values", () => {
  test("hold what a Map would, count their bytes exactly, and come back from their text", () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const values = Values.empty();
        const model = new Map<string, unknown>();
        let reserved: string | undefined;
        for (const each of steps) {
          if (each.do === "set") {
            const text = toJsonText(each.key, each.value) as string;
            const expected = values.bytesWith(each.key, text);
            values.set(each.key, text);
            expect(values.bytes).toBe(expected);
            model.set(each.key, JSON.parse(text));
          } else if (each.do === "delete") {
            values.delete(each.key);
            model.delete(each.key);
          } else if (each.do === "reserve") {
            reserved = JSON.stringify(JSON.parse(JSON.stringify(each.value)));
            values.reserved = reserved;
          } else {
            values.clear();
            model.clear();
          }
          expect(values.bytes).toBe(Buffer.byteLength(values.toText()));
        }
        for (const again of [values, values.copy(), Values.parse(values.toText(), "id")]) {
          for (const [key, value] of model) expect(again.get(key)).toEqual(value);
          expect(Object.keys(again.toJSON())).toHaveLength(model.size);
          expect(again.bytes).toBe(values.bytes);
          expect(again.reserved).toBe(reserved);
          expect([...again.keys()].sort()).toEqual([...model.keys()].sort());
        }
      }),
    );
  });

  test("have an entry that is none of them: not shown, not cleared, and not theirs to change", () => {
    const values = Values.parse('{"n":1,"\\u0000cookie":{"path":"/"}}', "id");
    const before = values.copy();
    const looks = () => [
      [...values.keys()],
      values.toJSON(),
      values.has(RESERVED_KEY),
      values.get(RESERVED_KEY),
      values.text(RESERVED_KEY),
      values.reserved,
    ];
    expect(looks()).toEqual([["n"], { n: 1 }, false, undefined, undefined, '{"path":"/"}']);
    for (const run of [() => values.set(RESERVED_KEY, "1"), () => values.delete(RESERVED_KEY)])
      expect(codeOf(run)).toBe("SESSION_VALUE_INVALID");
    values.clear();
    expect(looks()).toEqual([[], {}, false, undefined, undefined, '{"path":"/"}']);
    expect(values.toText()).toBe('{"\\u0000cookie":{"path":"/"}}');
    values.reserved = "2";
    expect(values.differences(before)).toEqual(["n"]);
    expect(values.bytes).toBe(Buffer.byteLength(values.toText()));
  });

  test("have an idle time beside them, which stays with another identity", () => {
    const values = Values.empty();
    const { compactIdentity } = values;
    values.idleSeconds = null;
    expect(values.compactIdentity).toBe(compactIdentity);
    values.idleSeconds = 60;
    values.identity = { ...values.identity, userId: "ada" };
    expect([values.idleSeconds, values.compactIdentity.userId, values.copy().idleSeconds]).toEqual([
      60,
      "ada",
      60,
    ]);
    expect(Values.empty().idleSeconds).toBeNull();
  });

  test("give copies", () => {
    const values = Values.empty();
    values.set("list", "[1]");
    (values.get("list") as number[]).push(2);
    expect(values.get("list")).toEqual([1]);
  });

  test.each(["", "null", "[]", '"text"', "7", "{", '{"a":1}x'])("refuse the data %p", (data) => {
    expect(codeOf(() => Values.parse(data, "id"))).toBe("SESSION_DATA_INVALID");
  });
});
