import { expect, test } from "@jest/globals";
import { withTimeLimit } from "../../../src/base/time-limit.js";
import { HandClock } from "../../support/clock.js";

function limited<Late>(whenLate: () => Late) {
  const clock = new HandClock();
  return { clock, limit: { clock, limitMs: 100, whenLate } };
}

test("work that is done in time gives its answer, and no timer is left", async () => {
  const { clock, limit } = limited(() => "late");
  expect(await withTimeLimit(limit, async () => "done")).toBe("done");
  expect(clock.timers).toBe(0);
});

test("work that fails in time fails so, also where it throws at once", async () => {
  const { clock, limit } = limited(() => "late");
  await expect(withTimeLimit(limit, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const fail = () => {
    throw new Error("at once");
  };
  await expect(withTimeLimit(limit, fail)).rejects.toThrow("at once");
  expect(clock.timers).toBe(0);
});

test("work that takes longer is given up: what is said in its place counts, an answer or an error", async () => {
  const { clock, limit } = limited(() => "late");
  const waiting = withTimeLimit(limit, () => new Promise<never>(() => {}));
  clock.advance(100);
  expect(await waiting).toBe("late");
  const { clock: other, limit: strict } = limited(() => {
    throw new Error("too late");
  });
  const refused = withTimeLimit(strict, () => new Promise<never>(() => {}));
  other.advance(100);
  await expect(refused).rejects.toThrow("too late");
});

test("work that fails after that has no effect", async () => {
  const { clock, limit } = limited(() => "late");
  let fail = (_: Error) => {};
  const waiting = withTimeLimit(limit, () => new Promise<never>((_, reject) => (fail = reject)));
  clock.advance(100);
  // An unhandled rejection would end the process.
  fail(new Error("no"));
  expect(await waiting).toBe("late");
});
