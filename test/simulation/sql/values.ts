import { databaseError } from "../database/errors.js";

/** What a column, a parameter or an expression may be. */
export type Value = string | number | Buffer | null;

/** Where an expression is worked out. */
export interface Scope {
  /** The row that each name stands for. */
  readonly rows: ReadonlyMap<string, Readonly<Record<string, Value>>>;
  readonly parameters: readonly Value[];
  readonly server: ServerState;
  /** Tells of what the statement brings beside rows. */
  readonly answer: { insertId: number; warnings: number };
}

/** What the server and the connection are like while a statement runs. */
export interface ServerState {
  /** Unix time with fractions, as the connection tells it. */
  readonly time: number;
  /** The same as the server tells it. */
  readonly systemTime: number;
  variable(name: string): Value | undefined;
}

export type Expression = (scope: Scope) => Value;

/** More than any number of the server has room for, unless 0 is added to it. */
export const LARGEST = 2 ** 64;

export function isTrue(value: Value): boolean {
  return value !== null && Number(value) !== 0;
}

export function fromBoolean(value: boolean | null): Value {
  return value === null ? null : value ? 1 : 0;
}

/** Below 0, 0, above 0; `null` where one of them is. */
export function compare(one: Value, other: Value): number | null {
  if (one === null || other === null) return null;
  if (Buffer.isBuffer(one) || Buffer.isBuffer(other))
    return Buffer.compare(Buffer.from(one as string), Buffer.from(other as string));
  if (typeof one === "string" && typeof other === "string") {
    const [left, right] = [unpadded(one), unpadded(other)];
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return Number(one) - Number(other);
}

/** Spaces at the end count for nothing where texts are compared, and a CHAR is stored without them. */
export function unpadded(text: string): string {
  return text.endsWith(" ") ? text.replace(/ +$/, "") : text;
}

export function add(one: Value, other: Value): Value {
  if (one === null || other === null) return null;
  if (one === LARGEST && Number(other) > 0)
    throw databaseError(1690, `BIGINT UNSIGNED value is out of range in '(18446744073709551615 + ...)'`);
  return Number(one) + Number(other);
}
