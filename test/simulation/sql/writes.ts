import { databaseError } from "../database/errors.js";
import { readExpression } from "./expressions.js";
import type { Reader } from "./reader.js";
import {
  type Conditions,
  combine,
  readConditions,
  readQuery,
  readTable,
  type Select,
  type Source,
} from "./select.js";
import type { Change, Row, Statement, View } from "./statement.js";
import { type Expression, type Scope, unpadded, type Value } from "./values.js";

/** Which rows of the table a statement is about. */
interface Target {
  /** The name that the table has in it. */
  readonly alias: string;
  /** What chooses the rows beforehand; the name that it has. */
  readonly chooser: { alias: string; select: Select } | undefined;
  conditions: Conditions[];
}

/** From behind UPDATE: `table …`, or `(…) as new straight_join table as session … on …`. */
export function readUpdate(reader: Reader): Statement {
  const target = readTarget(reader);
  reader.expect("set");
  const assignments = reader.list(() => {
    const first = reader.name();
    const column = reader.has(".") ? reader.name() : first;
    reader.expect("=");
    return { column, value: readExpression(reader) };
  });
  if (reader.has("where")) target.conditions.push(readConditions(reader));
  return writeOf(target, (row, scope) => {
    const next: Record<string, Value> = { ...row };
    // Of one table the assignments come one after the other, and each sees those before it. Of a join nobody
    // promises that.
    const seen = target.chooser ? row : next;
    const inside = { ...scope, rows: new Map([...scope.rows, [target.alias, seen]]) };
    for (const { column, value } of assignments) {
      if (!(column in row)) throw reader.unknown(`column ${column}`);
      next[column] = stored(column, value(inside));
    }
    return next;
  });
}

/**
 * From behind DELETE: `from table where …`, `old from table as old …`, or `session from (…) as free
 * straight_join …`.
 */
export function readDelete(reader: Reader): Statement {
  if (!reader.has("from")) {
    reader.name();
    reader.expect("from");
  }
  const target = readTarget(reader);
  if (reader.has("where")) target.conditions.push(readConditions(reader));
  return writeOf(target, () => null);
}

function readTarget(reader: Reader): Target {
  let chooser: Target["chooser"];
  if (reader.has("(")) {
    const select = readQuery(reader);
    reader.expect(")", "as");
    chooser = { select, alias: reader.name() };
    reader.expect("straight_join");
  }
  const table = readTable(reader);
  const alias = reader.has("as") ? reader.name() : table;
  reader.has("force", "index", "(", "primary", ")");
  return { alias, chooser, conditions: reader.has("on") ? [readConditions(reader)] : [] };
}

function writeOf(
  { alias, chooser, conditions }: Target,
  change: (row: Row, scope: Scope) => Row | null,
): Statement {
  const sourcesOf = (chosen: Row[] | undefined): Source[] => [
    ...(chooser ? [{ alias: chooser.alias, isTable: false, rows: () => chosen ?? [] }] : []),
    { alias, isTable: true, rows: (view: View) => view.rows() },
  ];
  const idOf = (scope: Scope) => String(scope.rows.get(alias)?.["sessionId"]);
  return {
    kind: "write",
    table: alias,
    lock(view, scope) {
      const { rows: chosen, locked = [] } = chooser?.select.run(view, scope) ?? { rows: undefined };
      if (locked.length > 0 || chosen?.length === 0) return { ids: locked, waits: false, chosen };
      const found = combine(sourcesOf(chosen), view, scope).filter((each) =>
        conditions.every((those) => those.isFound(each)),
      );
      return { ids: [...new Set(found.map(idOf))], waits: true, chosen };
    },
    run(view, scope, chosen) {
      const matching = combine(sourcesOf(chosen), view, scope).filter((each) =>
        conditions.every((those) => those.holds(each)),
      );
      const changes = matching.flatMap((each): Change[] => {
        const [sessionId, row] = [idOf(each), change(each.rows.get(alias) as Row, each)];
        const next = row?.["sessionId"] ?? sessionId;
        if (next === sessionId) return [{ sessionId, row }];
        if (view.rows().some((other) => other["sessionId"] === next)) throw duplicate();
        return [
          { sessionId, row: null },
          { sessionId: String(next), row },
        ];
      });
      return { changes, matched: matching.length };
    },
  };
}

function duplicate(): Error {
  return databaseError(1062, "Duplicate entry");
}

/** A value as its column keeps it. */
function stored(column: string, value: Value): Value {
  return column === "sessionId" ? unpadded(String(value)) : value;
}

/** What a new row has where the statement does not say. */
const DEFAULTS: Row = {
  data: null,
  secretHash: null,
  nextHash: null,
  previousHash: null,
  userId: null,
  client: null,
  idleSeconds: null,
  revision: 0,
  writers: Buffer.alloc(0),
  createdAt: 0,
  visitedAt: 0,
  previousVisitAt: 0,
};

/** From behind INSERT. */
export function readInsert(reader: Reader): Statement {
  reader.expect("into");
  const table = readTable(reader);
  reader.expect("(");
  const columns = reader.list(() => reader.name());
  reader.expect(")", "values");
  const lines: Expression[][] = reader.list(() => {
    reader.expect("(");
    const values = reader.list(() => readExpression(reader));
    reader.expect(")");
    return values;
  });
  return {
    kind: "write",
    table,
    // Whoever inserts the same row waits until it is known whether this one stays.
    lock: (_view, scope) => {
      const column = columns.indexOf("sessionId");
      const ids = lines.map((line) => String(stored("sessionId", line[column]?.(scope) ?? null)));
      return { ids, waits: true, chosen: undefined };
    },
    run(view, scope) {
      const taken = new Set(view.rows().map(({ sessionId }) => sessionId));
      const changes = lines.map((line) => {
        const row: Record<string, Value> = { ...DEFAULTS };
        for (const [n, column] of columns.entries()) row[column] = stored(column, line[n]?.(scope) ?? null);
        if (taken.has(row["sessionId"] as string)) throw duplicate();
        taken.add(row["sessionId"] as string);
        return { sessionId: String(row["sessionId"]), row };
      });
      return { changes, matched: changes.length };
    },
  };
}
