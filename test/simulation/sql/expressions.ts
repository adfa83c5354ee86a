import { functionNamed } from "./functions.js";
import type { Reader } from "./reader.js";
import {
  add,
  compare,
  type Expression,
  fromBoolean,
  isTrue,
  LARGEST,
  type Scope,
  type Value,
} from "./values.js";

/** Reads an expression; from the weakest operator to the strongest. */
export function readExpression(reader: Reader): Expression {
  let left = readAnd(reader);
  while (reader.has("or")) {
    const [one, other] = [left, readAnd(reader)];
    left = (scope) => fromBoolean(isTrue(one(scope)) || isTrue(other(scope)));
  }
  return left;
}

function readAnd(reader: Reader): Expression {
  let left = readComparison(reader);
  while (reader.has("and")) {
    const [one, other] = [left, readComparison(reader)];
    left = (scope) => fromBoolean(isTrue(one(scope)) && isTrue(other(scope)));
  }
  return left;
}

const COMPARISONS: Record<string, (order: number) => boolean> = {
  "=": (order) => order === 0,
  "<>": (order) => order !== 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

/** One condition, without AND and OR around it. */
export function readComparison(reader: Reader): Expression {
  const one = readSum(reader);
  if (reader.has("is")) {
    const not = reader.has("not");
    reader.expect("null");
    return (scope) => fromBoolean((one(scope) === null) !== not);
  }
  if (reader.has("in")) return readIn(reader, one);
  if (reader.has("<=>")) {
    const other = readSum(reader);
    return (scope) => {
      const [left, right] = [one(scope), other(scope)];
      return fromBoolean(left === null || right === null ? left === right : compare(left, right) === 0);
    };
  }
  for (const [sign, holds] of Object.entries(COMPARISONS)) {
    if (!reader.has(sign)) continue;
    const other = readSum(reader);
    return (scope) => {
      const order = compare(one(scope), other(scope));
      return order === null ? null : fromBoolean(holds(order));
    };
  }
  return one;
}

function readIn(reader: Reader, one: Expression): Expression {
  reader.expect("(");
  const list = reader.list(() => readExpression(reader));
  reader.expect(")");
  return (scope) => {
    const value = one(scope);
    return value === null ? null : fromBoolean(list.some((item) => compare(value, item(scope)) === 0));
  };
}

function readSum(reader: Reader): Expression {
  let left = readProduct(reader);
  for (;;) {
    const one = left;
    if (reader.has("+")) {
      const other = readProduct(reader);
      left = (scope) => add(one(scope), other(scope));
    } else if (reader.has("-")) {
      const other = readProduct(reader);
      left = (scope) => numbers(one(scope), other(scope), (a, b) => a - b);
    } else return left;
  }
}

function readProduct(reader: Reader): Expression {
  let left = readPrimary(reader);
  for (;;) {
    const one = left;
    if (reader.has("div")) {
      const other = readPrimary(reader);
      left = (scope) => numbers(one(scope), other(scope), (a, b) => Math.trunc(a / b));
    } else if (reader.has("*")) {
      const other = readPrimary(reader);
      left = (scope) => numbers(one(scope), other(scope), (a, b) => a * b);
    } else if (reader.has("&")) {
      const other = readPrimary(reader);
      left = (scope) => numbers(one(scope), other(scope), (a, b) => a & b);
    } else return left;
  }
}

function numbers(one: Value, other: Value, work: (one: number, other: number) => number): Value {
  return one === null || other === null ? null : work(Number(one), Number(other));
}

function readPrimary(reader: Reader): Expression {
  if (reader.has("(")) {
    if (reader.sees("select")) return readScalar(reader);
    const inner = readExpression(reader);
    reader.expect(")");
    return inner;
  }
  if (reader.has("?")) {
    const index = reader.parameters++;
    return ({ parameters }) => {
      const value = parameters[index];
      if (value === undefined) throw reader.unknown(`parameter ${index} is missing`);
      return value;
    };
  }
  if (reader.has("null")) return () => null;
  if (reader.has("case", "when")) return readCase(reader);
  const { kind, text } = reader.take();
  if (kind === "text") return () => text;
  if (kind === "number") {
    const value = text === "18446744073709551615" ? LARGEST : Number(text);
    return () => value;
  }
  if (kind === "variable") {
    const name = text.slice(2);
    return ({ server }) => {
      const value = server.variable(name);
      if (value === undefined) throw reader.unknown(`variable ${name}`);
      return value;
    };
  }
  if (kind === "word" && reader.has("(")) return functionNamed(text.toLowerCase(), reader, readExpression);
  if (kind !== "word" && kind !== "name") throw reader.unknown("in an expression");
  if (!reader.has(".")) return columnOf(reader, text);
  const column = reader.name();
  return (scope) => {
    const value = scope.rows.get(text)?.[column];
    if (value === undefined) throw reader.unknown(`column ${text}.${column}`);
    return value;
  };
}

function columnOf(reader: Reader, column: string): Expression {
  return (scope: Scope) => {
    for (const row of scope.rows.values()) {
      const value = row[column];
      if (value !== undefined) return value;
    }
    throw reader.unknown(`column ${column}`);
  };
}

function readCase(reader: Reader): Expression {
  const condition = readExpression(reader);
  reader.expect("then");
  const then = readExpression(reader);
  reader.expect("else");
  const otherwise = readExpression(reader);
  reader.expect("end");
  return (scope) => (isTrue(condition(scope)) ? then(scope) : otherwise(scope));
}

/**
 * Only `(select 0 from table as lookedAt limit 0)`, which finds out whether the table may be read, and is
 * NULL.
 */
function readScalar(reader: Reader): Expression {
  reader.expect("select");
  reader.take();
  reader.expect("from");
  reader.name();
  reader.expect("as");
  reader.name();
  reader.expect("limit");
  reader.take();
  reader.expect(")");
  return () => null;
}
