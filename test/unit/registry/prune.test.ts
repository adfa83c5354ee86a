import { expect, test } from "@jest/globals";
import { toSettings } from "../../../src/options.js";
import { Pruning } from "../../../src/registry/pruning.js";
import { MemoryStore, memoryStore } from "../../../src/stores/memory.js";
import { contractSettings } from "../../../src/testing/index.js";
import { HandClock } from "../../support/clock.js";

/** The sizes of the steps, where each takes as long as `tookMs` says, and the rests between them. */
async function stepsOf(tookMs: (limit: number) => number, count: number) {
  const clock = new HandClock();
  const limits: number[] = [];
  const rests: number[] = [];
  const store = new MemoryStore(contractSettings);
  store.prune = async ({ limit }) => {
    limits.push(limit);
    clock.advance(tookMs(limit));
    return { deleted: limit, more: limits.length < count };
  };
  const after = clock.after.bind(clock);
  clock.after = (delayMs, run) => {
    rests.push(delayMs);
    run();
    return after(0, () => {});
  };
  const settings = toSettings({ store: memoryStore(), clock, logger: false });
  await new Pruning(store, settings, (work) => work()).run();
  return { limits, rests };
}

test("steps grow while they are quick, up to 500", async () => {
  const { limits } = await stepsOf(() => 1, 5);
  expect(limits).toEqual([100, 200, 400, 500, 500]);
});

test("steps shrink while they are slow, down to 20, and rest twice as long as they took", async () => {
  const { limits, rests } = await stepsOf(() => 30, 5);
  expect(limits).toEqual([100, 50, 25, 20, 20]);
  expect(rests).toEqual([60, 60, 60, 60]);
});

test("steps come to rest where they take between 10 and 20 ms", async () => {
  const { limits } = await stepsOf((limit) => limit / 12, 6);
  expect(limits).toEqual([100, 200, 200, 200, 200, 200]);
});
