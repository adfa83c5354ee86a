import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { exactTextBytes } from "../../../src/row/entry-bytes.js";
import { Texts } from "../../../src/session/texts.js";

const key = fc.oneof(fc.constantFrom("a", "b", "c", "__proto__", '"\\'), fc.string({ unit: "binary" }));
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, value: fc.jsonValue() }),
  fc.record({ do: fc.constant("delete" as const), key }),
  fc.record({ do: fc.constant("copy" as const) }),
);
/** Each is made of one of the copies that there are by then. */
const steps = fc.array(fc.tuple(fc.nat(), step), { maxLength: 60, size: "max" });

test("texts are as maps would be, in the same order, whatever becomes of those that share their keys", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const pairs = [{ texts: new Texts(), model: new Map<string, string>() }];
      for (const [n, each] of all) {
        const { texts, model } = pairs[n % pairs.length] as (typeof pairs)[number];
        if (each.do === "copy") pairs.push({ texts: texts.copy(), model: new Map(model) });
        else if (each.do === "delete") {
          texts.delete(each.key);
          model.delete(each.key);
        } else {
          texts.set(each.key, JSON.stringify(each.value));
          model.set(each.key, JSON.stringify(each.value));
        }
      }
      for (const { texts, model } of pairs) {
        expect([...texts.keys()]).toEqual([...model.keys()]);
        expect(texts.size).toBe(model.size);
        for (const [name, text] of model) expect(texts.get(name)).toBe(text);
        for (const name of ["a", "b", "c", "d"]) expect(texts.has(name)).toBe(model.has(name));
        const json = [...model].map(([name, text]) => `${JSON.stringify(name)}:${text}`);
        expect(texts.toText()).toBe(`{${json.join(",")}}`);
      }
    }),
  );
});

test("they have no more bytes than they say, in a statement neither", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), (values) => {
      const texts = new Texts();
      for (const [name, value] of Object.entries(values)) texts.set(name, JSON.stringify(value));
      expect(texts.mostBytes).toBeGreaterThanOrEqual(exactTextBytes(texts.toText()));
    }),
  );
});

test("a key that comes and goes, each time another one, does not make copies grow", () => {
  let texts = new Texts();
  texts.set("kept", "0");
  let longest = 0;
  for (let n = 0; n < 1_000; n++) {
    texts = texts.copy();
    texts.set(`n${n}`, "1");
    texts.delete(`n${n}`);
    longest = Math.max(longest, texts.places);
  }
  expect(longest).toBeLessThan(20);
  expect(texts.toText()).toBe('{"kept":0}');
});
