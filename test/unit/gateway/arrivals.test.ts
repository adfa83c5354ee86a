import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Arrivals } from "../../../src/gateway/arrivals.js";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("nobody waits", () => {
  const arrivals = new Arrivals();
  expect(arrivals.oldestMs).toBe(0);
  arrivals.add(true);
  jest.advanceTimersByTime(5);
  arrivals.remove(1);
  expect(arrivals.oldestMs).toBe(0);
});

test("the first of those who wait has waited longest, whoever has gone before it", () => {
  const arrivals = new Arrivals();
  // Two in one turn, one 10 ms later, two another 10 ms later.
  arrivals.add(true);
  arrivals.add(false);
  jest.advanceTimersByTime(10);
  arrivals.add(true);
  jest.advanceTimersByTime(10);
  arrivals.add(true);
  arrivals.add(false);
  jest.advanceTimersByTime(1);
  const ages = [arrivals.oldestMs];
  for (let gone = 0; gone < 5; gone++) {
    arrivals.remove(1);
    ages.push(arrivals.oldestMs);
  }
  expect(ages).toEqual([21, 21, 11, 1, 1, 0]);
});

test("several of several turns may go at once, and others come after", () => {
  const arrivals = new Arrivals();
  for (let turn = 0; turn < 4; turn++) {
    arrivals.add(true);
    arrivals.add(false);
    jest.advanceTimersByTime(10);
  }
  arrivals.remove(5);
  expect(arrivals.oldestMs).toBe(20);
  arrivals.remove(3);
  jest.advanceTimersByTime(10);
  // The turn had begun with somebody who has gone.
  arrivals.add(false);
  jest.advanceTimersByTime(3);
  expect(arrivals.oldestMs).toBe(3);
});
