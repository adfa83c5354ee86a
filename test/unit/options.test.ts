import { describe, expect, test } from "@jest/globals";
import { type TokenSessionOptions, toSettings } from "../../src/options.js";
import { memoryStore } from "../../src/stores/memory.js";
import { tokenSession } from "../../src/token-session.js";
import { expectOptionRefused } from "../support/options.js";

const store = memoryStore();

describe("toSettings", () => {
  test("completes what is not given", () => {
    expect(toSettings({ store, logger: false })).toMatchObject({
      table: "session",
      expiration: 86_400,
      absoluteExpiration: 7_776_000,
      touchEvery: 900,
      maxBytes: 65_536,
      storeTimeout: 10,
      required: false,
      freshness: "connection",
      serveClient: true,
    });
  });

  test.each([
    [24, 1],
    [10, 1],
    [2400, 100],
    [1_000_000, 900],
  ])("an expiration of %i touches every %i seconds", (expiration, touchEvery) => {
    expect(toSettings({ store, logger: false, expiration }).touchEvery).toBe(touchEvery);
  });

  test.each<[string, object, RegExp]>([
    ["no object", null as never, /options must be an object, not null/],
    ["an unknown name", { expires: 3600 }, /no option "expires"/],
    [
      "expiration 0",
      { expiration: 0 },
      /expiration must be a whole number from 10 to 2147483647, not 0 \(number\)/,
    ],
    ["a fraction", { expiration: 1.5 }, /expiration/],
    ["milliseconds of the old package by mistake", { expiration: 86_400_000_000 }, /expiration/],
    ["NaN", { absoluteExpiration: Number.NaN }, /absoluteExpiration/],
    ["text", { storeTimeout: "10" }, /storeTimeout must be .* not string/],
    ["null", { maxBytes: null }, /maxBytes must be .* not null/],
    ["more than MEDIUMTEXT holds", { maxBytes: 16_777_216 }, /maxBytes/],
    [
      "a touchEvery that lets sessions in use expire",
      { expiration: 60, touchEvery: 16 },
      /touchEvery must be .* 1 to 15/,
    ],
    ["required as text", { required: "yes" }, /required must be true or false/],
    ["a table that needs quoting", { table: "a b" }, /table/],
    ["a table that is SQL", { table: "session; drop table x" }, /table/],
    ["three parts", { table: "a.b.c" }, /table/],
    ["a logger without methods", { logger: {} }, /logger/],
    [
      "a freshness of other words",
      { freshness: "events" },
      /freshness must be "connection", "event" or a whole/,
    ],
    ["a freshness of 0", { freshness: 0 }, /freshness must be .* from 1 to 21600, not 0/],
    ["a freshness beyond what revalidate may be", { expiration: 60, freshness: 16 }, /from 1 to 15/],
    ["a fraction of a second", { freshness: 1.5 }, /freshness/],
    ["a look at each event by true", { freshness: true }, /freshness must be .* not true/],
    ["serveClient as text", { serveClient: "no" }, /serveClient must be true or false/],
    ["a store that is no factory", { store: {} }, /store factory/],
    ["both db and store", { db: {} }, /either db or store/],
  ])("refuses %s", (_, options, message) => {
    const given = options === null ? null : { store, logger: false, ...options };
    expectOptionRefused(() => toSettings(given as TokenSessionOptions), message);
  });

  test("never shows what was given where it could be a secret", () => {
    expect(() => toSettings({ table: "pass'word" } as TokenSessionOptions)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("pass'word") }),
    );
  });
});

test.each([
  ["memoryStore without its parentheses", memoryStore],
  ["what makes no store", () => ({})],
  ["what makes nothing", () => undefined],
])("tokenSession refuses %s as a store, before a client comes", (_, factory) => {
  expectOptionRefused(() => tokenSession({ store: factory as never, logger: false }), /store/);
});
