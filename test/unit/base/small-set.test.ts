import { expect, test } from "@jest/globals";
import { SmallSet } from "../../../src/base/small-set.js";

test("it has what was added and not taken away, each once, whoever goes meanwhile", () => {
  const [one, two, three] = ["one", "two", "three"];
  const few = new SmallSet<string>();
  expect([...few]).toEqual([]);
  for (const each of [one, one]) few.add(each);
  expect([few.size, ...few]).toEqual([1, one]);
  for (const each of [two, three, two]) few.add(each);
  expect(few.size).toBe(3);
  const seen: unknown[] = [];
  for (const each of few) {
    seen.push(each);
    for (const gone of [one, two, three]) few.delete(gone);
  }
  expect(seen).toEqual([one, two, three]);
  expect([few.size, ...few]).toEqual([0]);
  few.add(one);
  few.delete(two);
  few.delete(one);
  expect(few.size).toBe(0);
});
