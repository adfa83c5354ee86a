import type { Reader } from "./reader.js";
import { compare, type Expression, isTrue, type Scope, type Value } from "./values.js";

type Work = (given: readonly Value[], scope: Scope) => Value;

const FUNCTIONS: Readonly<Record<string, Work>> = {
  unix_timestamp: (_, { server }) => Math.floor(server.time),
  now: (_, { server }) => server.time,
  sysdate: (_, { server }) => server.time,
  microsecond: ([time]) => Math.round((Number(time) % 1) * 1e6),
  abs: ([value]) => (value === null ? null : Math.abs(Number(value))),
  least: (given) => extreme(given, -1),
  greatest: (given) => extreme(given, 1),
  coalesce: (given) => given.find((value) => value !== null) ?? null,
  if: ([condition, then, otherwise]) => (isTrue(condition ?? null) ? then : otherwise) ?? null,
  concat: (given) => (given.includes(null) ? null : given.join("")),
  find_in_set: ([text, set]) => String(set).split(",").indexOf(String(text)) + 1,
  last_insert_id: ([value], { answer }) => {
    answer.insertId = Number(value);
    return value ?? null;
  },
  version: (_, { server }) => server.variable("version") ?? null,
  database: (_, { server }) => server.variable("database") ?? null,
  current_user: (_, { server }) => server.variable("account") ?? null,
  current_role: (_, { server }) => server.variable("role") ?? null,
};

function extreme(given: readonly Value[], sign: number): Value {
  if (given.includes(null)) return null;
  return given.reduce((one, other) => ((compare(one, other) as number) * sign >= 0 ? one : other));
}

/** Reads a call, from behind its bracket. */
export function functionNamed(
  name: string,
  reader: Reader,
  expression: (reader: Reader) => Expression,
): Expression {
  if (name === "cast") return readCast(reader, expression(reader));
  if (name === "convert") {
    const inner = expression(reader);
    reader.expect("using");
    reader.name();
    reader.expect(")");
    return inner;
  }
  if (name === "count" && reader.has("*", ")")) return () => null;
  if (name === "timestampdiff") {
    reader.expect("microsecond", ",");
    const [one, other] = reader.list(() => expression(reader)) as [Expression, Expression];
    reader.expect(")");
    return (scope) => Math.round((Number(other(scope)) - Number(one(scope))) * 1e6);
  }
  const given = reader.sees(")") ? [] : reader.list(() => expression(reader));
  reader.expect(")");
  const work = FUNCTIONS[name];
  if (!work) throw reader.unknown(`function ${name}`);
  return (scope) => {
    const values = given.map((each) => each(scope));
    return work(values, scope);
  };
}

function readCast(reader: Reader, inner: Expression): Expression {
  reader.expect("as");
  const type = reader.name().toLowerCase();
  if (reader.has("(")) {
    reader.take();
    reader.expect(")");
  }
  reader.expect(")");
  return (scope) => {
    const value = inner(scope);
    if (type === "binary") return value;
    const number = Number(value);
    if (!Number.isNaN(number)) return number;
    scope.answer.warnings++;
    return 0;
  };
}
