import { beforeEach, describe, expect, test } from "@jest/globals";
import { ClockJumps } from "../../../src/base/clock.js";
import { DatabaseClock } from "../../../src/stores/mysql/database-clock.js";
import { HandClock } from "../../support/clock.js";

const HOUR = 3_600;
/** The database's clock when the process's stands at 0. */
const START = 1_792_888_200;

let own: HandClock;
let clock: DatabaseClock;
/** Database clock minus process clock, in seconds. */
let offset: number;
beforeEach(() => {
  own = new HandClock();
  own.jump(5_000_000);
  clock = new DatabaseClock(own);
  offset = START;
});
const truth = () => offset + own.now() / 1000;

/** A statement that reaches the database after `thereMs`, and whose answer takes `backMs`. */
function ask(thereMs: number, backMs: number, during = () => {}, resolution = 1): void {
  const sentAtMs = clock.sending();
  own.advance(thereMs);
  const told = resolution === 1 ? Math.floor(truth()) : truth();
  during();
  own.advance(backMs);
  clock.heard(told, sentAtMs, resolution);
}

describe("the database's clock", () => {
  test("is this machine's before it has been heard", () => {
    expect(clock.isKnown).toBe(false);
    expect(clock.exactNow).toBe(5_000);
  });

  test("is known to the answer's time where it told that exactly", () => {
    own.advance(250);
    ask(10, 10, undefined, 1e-6);
    expect(clock.isKnown).toBe(true);
    expect(Math.abs(clock.exactNow - truth())).toBeLessThanOrEqual(0.011);
  });

  test("is right to a second by whole seconds, however slow the answers are, and no worse for the slow ones", () => {
    for (let n = 0; n < 50; n++) {
      own.advance(1_370);
      ask((n % 3) * 5, (n % 7) * 900);
      expect(Math.abs(clock.exactNow - truth())).toBeLessThanOrEqual(n === 0 ? 0.6 : 1);
    }
    for (let n = 0; n < 50; n++) {
      own.advance(1_370);
      ask(1, 1);
    }
    expect(Math.abs(clock.exactNow - truth())).toBeLessThanOrEqual(0.1);
    ask(0, 5_000);
    expect(Math.abs(clock.exactNow - truth())).toBeLessThanOrEqual(0.1);
  });

  test.each([HOUR, -HOUR, 90, -90, 2, -2])("is followed where it jumps by %i seconds", (by) => {
    own.advance(1_000);
    ask(1, 1, undefined, 1e-6);
    offset += by;
    own.advance(1_000);
    ask(1, 1);
    expect(Math.abs(clock.exactNow - truth())).toBeLessThanOrEqual(1);
  });

  test.each([3 * HOUR, -3 * HOUR])(
    "does not count after this machine's wall clock has moved by %i seconds, until it is heard again",
    (by) => {
      own.advance(1_000);
      ask(1, 1);
      own.jump(by * 1_000);
      expect(clock.isKnown).toBe(false);
      // Asleep, the database went on.
      offset += by;
      own.advance(1_000);
      ask(1, 1);
      expect(clock.isKnown).toBe(true);
      expect(Math.abs(clock.exactNow - truth())).toBeLessThanOrEqual(1);
    },
  );

  test("is not learned from an answer that came while the machine slept", () => {
    own.advance(1_000);
    ask(1, 1);
    ask(1, 1, () => {
      own.jump(HOUR * 1_000);
      offset += HOUR;
    });
    expect(clock.isKnown).toBe(false);
    own.advance(1);
    ask(1, 1);
    expect(clock.isKnown).toBe(true);
    expect(Math.abs(clock.exactNow - truth())).toBeLessThanOrEqual(1);
  });
});

test("a jump of this machine's clocks is noticed once, and less than a second is none, however often", () => {
  const jumps = new ClockJumps(own);
  expect(jumps.lastAtMs).toBe(Number.NEGATIVE_INFINITY);
  own.advance(100);
  own.jump(900);
  expect(jumps.lastAtMs).toBe(Number.NEGATIVE_INFINITY);
  own.advance(100);
  own.jump(900);
  expect(jumps.lastAtMs).toBe(200);
  own.advance(100);
  expect(jumps.lastAtMs).toBe(200);
  own.jump(-5_000);
  expect(jumps.lastAtMs).toBe(300);
});
