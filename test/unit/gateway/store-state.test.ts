import { describe, expect, test } from "@jest/globals";
import { SessionError } from "../../../src/errors.js";
import { StoreState } from "../../../src/gateway/store-state.js";
import { StoreFault } from "../../../src/store.js";
import { HandClock, settled } from "../../support/clock.js";

const unreachable = new StoreFault("not-applied", "ECONNREFUSED");

function setUp() {
  const clock = new HandClock();
  const told: unknown[] = [];
  const host = {
    clock,
    storeTimeoutMs: 10_000,
    isClosed: false,
    looks: 0,
    async lookAtStore() {
      host.looks++;
    },
    onStoreDown: (outage: object) => told.push(["down", outage]),
    onStoreUp: (outage: object, downFor: number) => told.push(["up", outage, downFor]),
  };
  const state = new StoreState(host);
  const pass = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed++) {
      clock.advance(1_000);
      await settled();
    }
  };
  return { clock, told, host, state, pass };
}

test("it is up until a statement fails, and retrying until one is answered", async () => {
  const { state, told, pass } = setUp();
  expect(state).toMatchObject({ status: "up", since: 0, lastError: undefined, latencyMs: undefined });
  await pass(7);
  state.onFailure(unreachable);
  expect(state).toMatchObject({ status: "retrying", since: 7, lastError: "SESSION_STORE_UNAVAILABLE" });
  await pass(9);
  state.onAnswer();
  expect(state).toMatchObject({ status: "up", since: 16, lastError: "SESSION_STORE_UNAVAILABLE" });
  await pass(60);
  expect(told).toEqual([]);
});

test("what it waits for ends with the first answer, and with close()", async () => {
  const { state, clock } = setUp();
  for (let n = 0; n < 100; n++) {
    state.onFailure(unreachable);
    state.onAnswer();
  }
  expect(clock.timers).toBe(0);
  state.onFailure(unreachable);
  state.close();
  expect(clock.timers).toBe(0);
});

test("it is down after storeTimeout, and up again with the next answer; each is told once", async () => {
  const { state, told, pass } = setUp();
  await pass(5);
  for (let second = 0; second < 30; second++) {
    state.onFailure(unreachable);
    await pass(1);
  }
  const outage = { since: 5, code: "SESSION_STORE_UNAVAILABLE" };
  expect(told).toEqual([["down", outage]]);
  expect(state).toMatchObject({ status: "down", since: 5 });
  state.onAnswer();
  state.onAnswer();
  expect(told).toEqual([
    ["down", outage],
    ["up", outage, 30],
  ]);
  expect(state).toMatchObject({ status: "up", since: 35 });
  // The next outage is another one.
  state.onFailure(unreachable);
  await pass(10);
  state.onAnswer();
  expect(told).toHaveLength(4);
});

test("while it fails, and only then, it is looked at, though nobody else asks", async () => {
  const { state, host, pass } = setUp();
  await pass(60);
  expect(host.looks).toBe(0);
  state.onFailure(unreachable);
  await pass(120);
  // With pauses of up to 7.5 seconds.
  expect(host.looks).toBeGreaterThan(14);
  state.onAnswer();
  const { looks } = host;
  await pass(60);
  expect(host.looks).toBe(looks);
});

test("failures one after the other are looked at by one", async () => {
  const { state, host, pass } = setUp();
  for (let outage = 0; outage < 100; outage++) {
    state.onFailure(unreachable);
    state.onAnswer();
  }
  state.onFailure(unreachable);
  await pass(10);
  expect(host.looks).toBeLessThan(10);
});

test("closed, it is not looked at, and nothing is told", async () => {
  const { state, host, told, pass } = setUp();
  state.onFailure(unreachable);
  host.isClosed = true;
  state.close();
  await pass(60);
  expect(host.looks).toBe(0);
  expect(told).toEqual([]);
});

describe("what speaks of the store", () => {
  test.each([
    ["no answer", new StoreFault("unknown", "no answer"), "retrying"],
    ["a missing table", new StoreFault("refused", "error 1146"), "retrying"],
    ["a connection that is not fit", new SessionError("SESSION_CONNECTION_INVALID"), "retrying"],
    ["what no store is meant to throw", new TypeError("oops"), "retrying"],
    ["a row that is locked", new StoreFault("not-applied", "1205", { mayBeOneEntry: true }), "up"],
    ["a row that is refused", new StoreFault("refused", "1644", { mayBeOneEntry: true }), "up"],
    ["a session that is too large", new SessionError("SESSION_TOO_LARGE"), "up"],
    ["what the store cannot do", new SessionError("SESSION_UNSUPPORTED"), "up"],
  ])("%s", (_, error, status) => {
    const { state } = setUp();
    state.onFailure(error);
    expect(state.status).toBe(status);
  });
});

test("the latency is of reads, and forgets old ones", () => {
  const { state } = setUp();
  state.onRead(8);
  expect(state.latencyMs).toBe(8);
  state.onRead(16);
  expect(state.latencyMs).toBe(9);
  for (let reads = 0; reads < 60; reads++) state.onRead(100);
  expect(state.latencyMs).toBeGreaterThan(99);
  state.onAnswer();
  expect(state.latencyMs).toBeGreaterThan(99);
});
