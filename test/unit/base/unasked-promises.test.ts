import { expect, test } from "@jest/globals";
import { toLog } from "../../../src/base/log.js";
import { AddressLimits } from "../../../src/registry/mint-limit.js";
import { capturePromises } from "../../../src/socket.io/dropped-promises.js";
import { HandClock } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

// Promises that nobody of ours asked for. One that is rejected, and that nobody handles, ends the process.

/** Looks like a promise, and keeps who wants to hear of its rejection. */
function watched() {
  const handlers: ((error: unknown) => void)[] = [];
  const promise = {
    // biome-ignore lint/suspicious/noThenProperty: it is to be taken for a promise.
    then: (_: unknown, rejected: (error: unknown) => void) => void handlers.push(rejected),
  };
  return { promise, handlers };
}

test.each(["pino-like", "level and text"])("a logger (%s) that gives a promise has it handled", (kind) => {
  const { promise, handlers } = watched();
  const write = () => promise;
  const log = toLog(
    kind === "pino-like" ? { error: write, warn: write, info: write, debug: write } : { log: write },
  );
  log.error({}, "anything");
  expect(handlers).toHaveLength(1);
  expect(() => handlers[0]?.(new Error("the disk is full"))).not.toThrow();
});

test("an addressOf that gives a promise has it handled, limits nobody, and is said once", () => {
  const log = keptLog();
  const { promise, handlers } = watched();
  const limits = new AddressLimits({ clock: new HandClock(), log }, () => promise as never);
  expect([limits.of({}), limits.of({})]).toEqual([undefined, undefined]);
  expect(handlers).toHaveLength(2);
  expect(log.lines).toEqual([{ level: "warn", text: "addressOf gave a promise (said once)" }]);
});

test("promises that a call makes and drops are seen, and those made before and after are not", async () => {
  const before = Promise.resolve();
  const made = capturePromises(() => {
    void Promise.reject(new Error("dropped"));
    void (async () => {
      throw new Error("dropped too");
    })();
  });
  const after = Promise.resolve();
  expect(made).not.toContain(before);
  expect(made).not.toContain(after);
  const settled = await Promise.allSettled(made);
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("what a call throws comes through, and its promises are handled even so", () => {
  let stays: Promise<unknown> | undefined;
  expect(() =>
    capturePromises(() => {
      stays = Promise.reject(new Error("dropped"));
      throw new Error("thrown");
    }),
  ).toThrow("thrown");
  expect(stays).toBeInstanceOf(Promise);
});
