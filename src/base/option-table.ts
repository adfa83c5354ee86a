import { SessionError } from "../errors.js";

/**
 * What is known of one option, whatever its type. `Others`: the options that it depends on, which stand
 * before it in its table.
 */
interface AnyOption<Others = never> {
  readonly accepts: (value: unknown, others: Others) => boolean;
  /** How an error goes on after "must be". */
  readonly mustBe: (others: Others) => string;
  /** May refuse too, where a value of the right kind will not do. */
  readonly toValue: (given: never) => unknown;
  /** What stands where none is given; without it, one has to be. */
  readonly otherwise?: (others: Others) => unknown;
  /** No error shows anything of what was given. */
  readonly isSecret?: true;
}

/**
 * All that there is to say of one option. `Given`: what an application may give. `Value`: what becomes of it.
 */
export interface Option<Given, Value = Given, Others = unknown> extends AnyOption<Others> {
  readonly accepts: (value: unknown, others: Others) => value is Given;
  readonly toValue: (given: Given) => Value;
  readonly otherwise?: (others: Others) => Value;
}

/** Options by their names. */
export type OptionTable = Readonly<Record<string, AnyOption>>;

/** A table of all options of an interface, each with the type that it has there. */
export type OptionsOf<Interface> = {
  readonly [Name in keyof Interface]-?: Option<Exclude<Interface[Name], undefined>, unknown, never>;
};

/** The options of a table, checked and completed. */
export type Completed<T extends OptionTable> = { readonly [Name in keyof T]: ReturnType<T[Name]["toValue"]> };

/** What the options of a table depend on are options of the same table. */
type Closed<T extends OptionTable> = { readonly [Name in keyof T]: AnyOption<Completed<T>> };

/**
 * Checks options and completes them. A wrong one throws `SESSION_OPTION_INVALID`, naming the option, what it
 * must be and what it was; an unknown name is refused, because a mistyped limit would otherwise be no limit.
 * `where`: how the error begins.
 */
export function complete<T extends OptionTable>(
  table: T & Closed<T>,
  given: unknown,
  where = "",
): Completed<T> {
  if (typeof given !== "object" || given === null)
    throw invalidOption(`${where}options must be an object, not ${describe(given)}`);
  for (const name of Object.keys(given))
    if (!Object.hasOwn(table, name))
      throw invalidOption(`${where}there is no option ${JSON.stringify(name)}`);
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries<unknown>(table) as [string, Option<unknown>][]) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined && option.otherwise) values[name] = option.otherwise(values);
    else if (option.accepts(value, values)) values[name] = option.toValue(value);
    else if (option.isSecret) throw invalidOption(`${where}${name} must be ${option.mustBe(values)}`);
    else throw wrongOption(`${where}${name}`, option.mustBe(values), value);
  }
  return values as Completed<T>;
}

export function invalidOption(text: string): SessionError {
  return new SessionError("SESSION_OPTION_INVALID", text);
}

export function wrongOption(name: string, mustBe: string, value: unknown): SessionError {
  return invalidOption(`${name} must be ${mustBe}, not ${describe(value)}`);
}

/** The kind of a value, and the value itself only where it cannot be a secret. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return `${value} (${typeof value})`;
  if (Array.isArray(value)) return "an array";
  return typeof value;
}

export function flag(otherwise: boolean): Option<boolean> {
  return {
    accepts: (value) => typeof value === "boolean",
    mustBe: () => "true or false",
    toValue: same,
    otherwise: () => otherwise,
  };
}

type Of<Others> = number | ((others: Others) => number);

/** A whole number. Its limits, and what it is otherwise, may depend on other options. */
export function wholeNumber<Others = unknown>(
  limits: { least: number; most: Of<Others> },
  otherwise: Of<Others>,
): Option<number, number, NoInfer<Others>> {
  const { least, most } = limits;
  return {
    accepts: (value, others): value is number => isWhole(value, least, resolve(most, others)),
    mustBe: (others) => `a whole number from ${least} to ${resolve(most, others)}`,
    toValue: same,
    otherwise: (others) => resolve(otherwise, others),
  };
}

export function isWhole(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

/** One of a few words. */
export function oneOf<const Word extends string>(
  words: readonly Word[],
  otherwise: NoInfer<Word>,
): Option<Word> {
  const quoted = words.map((word) => JSON.stringify(word));
  return {
    accepts: (value): value is Word => words.some((word) => word === value),
    mustBe: () => `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`,
    toValue: same,
    otherwise: () => otherwise,
  };
}

export function text(accepts: (value: string) => boolean, mustBe: string, otherwise: string): Option<string> {
  return {
    accepts: (value): value is string => typeof value === "string" && accepts(value),
    mustBe: () => mustBe,
    toValue: same,
    otherwise: () => otherwise,
  };
}

export function isFilledText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** What need not be given. */
export function optional<Given>(
  accepts: (value: unknown) => value is Given,
  mustBe: string,
): Option<Given, Given | undefined> {
  return { accepts, mustBe: () => mustBe, toValue: same, otherwise: nothing };
}

/** A function of the application's own, if it gives one. */
export function optionalFunction<Given extends (...args: never) => unknown>(mustBe: string) {
  return optional((value): value is Given => typeof value === "function", mustBe);
}

/** What is not looked at here: others say what is wrong with it, or types alone hold it. */
export function unchecked<Given, Value = Given>(otherwise: Value): Option<Given, Given | Value> {
  return {
    accepts: (_value): _value is Given => true,
    mustBe: () => "anything",
    toValue: same,
    otherwise: () => otherwise,
  };
}

export function same<Value>(value: Value): Value {
  return value;
}

export function nothing(): undefined {
  return undefined;
}

function resolve<Others>(limit: Of<Others>, others: Others): number {
  return typeof limit === "number" ? limit : limit(others);
}
