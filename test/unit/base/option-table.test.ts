import { describe, expect, test } from "@jest/globals";
import {
  complete,
  flag,
  type Option,
  type OptionsOf,
  oneOf,
  optionalFunction,
  same,
  text,
  unchecked,
  wholeNumber,
} from "../../../src/base/option-table.js";
import { expectOptionRefused } from "../../support/options.js";

interface Options {
  size?: number;
  half?: number;
  isFast?: boolean;
  colour?: "red" | "green" | "blue";
  name?: string;
  onEnd?: () => void;
  thing?: object;
  secret: string;
}

const secret: Option<string> = {
  accepts: (value): value is string => typeof value === "string",
  mustBe: () => "a text",
  toValue: same,
  isSecret: true,
};

const table = {
  size: wholeNumber({ least: 2, most: 100 }, 10),
  half: wholeNumber(
    { least: 1, most: ({ size }: { size: number }) => size / 2 },
    ({ size }: { size: number }) => size / 2,
  ),
  isFast: flag(false),
  colour: oneOf(["red", "green", "blue"], "green"),
  name: text((name) => name.length < 5, "a short text", "x"),
  onEnd: optionalFunction<() => void>("a function"),
  thing: unchecked<object, undefined>(undefined),
  secret,
} satisfies OptionsOf<Options>;

describe("options of a table", () => {
  test("are completed", () => {
    expect(complete(table, { secret: "s", size: undefined })).toEqual({
      size: 10,
      half: 5,
      isFast: false,
      colour: "green",
      name: "x",
      secret: "s",
    });
    const given = {
      size: 20,
      half: 10,
      isFast: true,
      colour: "blue",
      name: "y",
      onEnd() {},
      thing: [],
      secret: "s",
    };
    expect(complete(table, given)).toEqual(given);
  });

  test.each<[object, string]>([
    [{ size: 1 }, "size must be a whole number from 2 to 100, not 1 (number)"],
    [{ size: 20, half: 11 }, "half must be a whole number from 1 to 10, not 11 (number)"],
    [{ isFast: null }, "isFast must be true or false, not null"],
    [{ colour: "yellow" }, 'colour must be "red", "green" or "blue", not string'],
    [{ name: "a long text" }, "name must be a short text, not string"],
    [{ onEnd: [] }, "onEnd must be a function, not an array"],
    [{ secret: 12345678 }, "secret must be a text"],
    [{ secret: undefined }, "secret must be a text"],
    [{ names: "x" }, 'there is no option "names"'],
    [{ toString: () => "x" }, 'there is no option "toString"'],
  ])("are refused: %j", (options, message) => {
    const all = { secret: "s", ...options };
    expectOptionRefused(() => complete(table, all), new RegExp(`range: ${escaped(message)}$`));
    expectOptionRefused(() => complete(table, all, "there: "), new RegExp(`: there: ${escaped(message)}$`));
  });

  test.each([null, undefined, "text", 7])("are refused as a whole: %p", (options) => {
    expectOptionRefused(() => complete(table, options), /options must be an object, not/);
  });
});

function escaped(message: string): string {
  return message.replace(/[()]/g, "\\$&");
}

// What does not compile: a table without one of the options, with one more, with fewer or more types than an
// option has, and one that depends on an option that it has not.
interface Two {
  one?: boolean;
  other?: "a" | "b";
}
const [one, other] = [flag(true), oneOf(["a", "b"], "a")];
({ one, other }) satisfies OptionsOf<Two>;
// @ts-expect-error
({ one }) satisfies OptionsOf<Two>;
// @ts-expect-error
({ one, other, third: one }) satisfies OptionsOf<Two>;
// @ts-expect-error
({ one, other: oneOf(["a"], "a") }) satisfies OptionsOf<Two>;
// @ts-expect-error
({ one, other: oneOf(["a", "b", "c"], "a") }) satisfies OptionsOf<Two>;
// @ts-expect-error
() => complete({ half: table.half }, {});
