import { readComparison, readExpression } from "./expressions.js";
import type { Reader } from "./reader.js";
import type { Row, View } from "./statement.js";
import { compare, type Expression, isTrue, type Scope } from "./values.js";

/** Conditions that are joined by AND. */
export interface Conditions {
  holds(scope: Scope): boolean;
  /**
   * Whether those about the primary key hold: such a row is looked at, and locked, whatever the others say.
   */
  isFound(scope: Scope): boolean;
  /** Has each worked out: one that fails the statement does so where no row is met too. */
  check(scope: Scope): void;
}

export function readConditions(reader: Reader): Conditions {
  const all: Expression[] = [];
  const keys: Expression[] = [];
  do {
    const isKey = reader.seesColumn("sessionid");
    const condition = readComparison(reader);
    all.push(condition);
    if (isKey) keys.push(condition);
  } while (reader.has("and"));
  if (reader.sees("or")) throw reader.unknown("OR among the conditions of a statement");
  return {
    holds: (scope) => all.every((each) => isTrue(each(scope))),
    isFound: (scope) => keys.every((each) => isTrue(each(scope))),
    check: (scope) => {
      for (const each of all) each(scope);
    },
  };
}

const ALWAYS: Conditions = { holds: () => true, isFound: () => true, check: () => {} };

/** What rows come from: the table, or what a subquery or a list of values gives. */
export interface Source {
  readonly alias: string;
  readonly isTable: boolean;
  rows(view: View, scope: Scope): readonly Row[];
}

export interface Select {
  /** `locked`: the rows of the table that it has locked, if it locks any. */
  run(view: View, scope: Scope): { rows: Row[]; locked: string[] };
}

/** A subquery, perhaps behind a list of given values, from behind its bracket. */
export function readQuery(reader: Reader): Select {
  return reader.has("with") ? readSelect(reader, readGiven(reader)) : readSelect(reader);
}

export function readSelect(reader: Reader, given?: Source): Select {
  reader.expect("select");
  const columns = reader.has("*") ? undefined : reader.list(() => readColumn(reader));
  const isCount = reader.sql.startsWith("select count(*)");
  const sources: Source[] = [];
  let joined = ALWAYS;
  if (reader.has("from")) {
    sources.push(readSource(reader, given));
    if (reader.has("straight_join")) {
      sources.push(readSource(reader, given));
      reader.expect("on");
      joined = readConditions(reader);
    }
  }
  const where = reader.has("where") ? readConditions(reader) : ALWAYS;
  const order = reader.has("order", "by") ? reader.name() : undefined;
  const limit = reader.has("limit") ? readExpression(reader) : undefined;
  const skips = reader.has("for", "update", "skip", "locked");
  return {
    run(view, scope) {
      // Of a condition without columns the server finds out first, whatever rows there are.
      where.check(withNothing(scope, sources));
      let found = combine(sources, view, scope).filter((each) => joined.holds(each) && where.holds(each));
      const table = sources.find(({ isTable }) => isTable)?.alias ?? "";
      const idOf = (each: Scope) => String(each.rows.get(table)?.["sessionId"]);
      if (skips) found = found.filter((each) => !view.isLocked(idOf(each)));
      // Of equal ones the primary key decides, by the index as well as without.
      if (order) found.sort((one, other) => byColumn(one, other, order) || byColumn(one, other, "sessionId"));
      if (limit && !isCount) found = found.slice(0, Number(limit(scope)));
      if (isCount) return { rows: [{ count: found.length }], locked: [] };
      const rows = found.map((each) =>
        columns
          ? Object.fromEntries(columns.map(({ name, value }) => [name, value(each)]))
          : (each.rows.values().next().value as Row),
      );
      return { rows, locked: skips ? found.map(idOf) : [] };
    },
  };
}

/** All combinations of the sources' rows. */
export function combine(sources: readonly Source[], view: View, scope: Scope): Scope[] {
  let found: Scope[] = [scope];
  for (const source of sources) {
    const rows = source.rows(view, scope);
    found = found.flatMap((each) =>
      rows.map((row) => ({ ...each, rows: new Map([...each.rows, [source.alias, row]]) })),
    );
  }
  return found;
}

/** No row: each column is NULL. */
function withNothing(scope: Scope, sources: readonly Source[]): Scope {
  const nothing = new Proxy({}, { get: () => null }) as Row;
  return { ...scope, rows: new Map(sources.map(({ alias }) => [alias, nothing])) };
}

function byColumn(one: Scope, other: Scope, column: string): number {
  return compare(columnIn(one, column), columnIn(other, column)) ?? 0;
}

function columnIn({ rows }: Scope, column: string) {
  for (const row of rows.values()) if (row[column] !== undefined) return row[column];
  return null;
}

function readColumn(reader: Reader): { name: string; value: Expression } {
  const value = readExpression(reader);
  const last = reader.previous;
  return { name: reader.has("as") ? reader.name() : last, value };
}

/** `given (id, …) as (values …)`, with or without ROW. */
function readGiven(reader: Reader): Source {
  const alias = reader.name();
  reader.expect("(");
  const names = reader.list(() => reader.name());
  reader.expect(")", "as", "(", "values");
  const lines = reader.list(() => {
    reader.has("row");
    reader.expect("(");
    const values = reader.list(() => readExpression(reader));
    reader.expect(")");
    return values;
  });
  reader.expect(")");
  const rows = (_: View, scope: Scope) =>
    lines.map((line) => Object.fromEntries(names.map((name, n) => [name, line[n]?.(scope) ?? null])));
  return { alias, isTable: false, rows };
}

export function readSource(reader: Reader, given?: Source): Source {
  if (reader.has("(")) {
    const select = readQuery(reader);
    reader.expect(")", "as");
    return { alias: reader.name(), isTable: false, rows: (view, scope) => select.run(view, scope).rows };
  }
  const name = readTable(reader);
  if (given && name === given.alias) return given;
  const alias = reader.has("as") ? reader.name() : name;
  reader.has("force", "index", "(", "primary", ")");
  return { alias, isTable: true, rows: (view) => view.rows() };
}

/** Perhaps with its schema. */
export function readTable(reader: Reader): string {
  const name = reader.name();
  return reader.has(".") ? reader.name() : name;
}
