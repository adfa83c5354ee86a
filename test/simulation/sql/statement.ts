import { readExpression } from "./expressions.js";
import { Reader } from "./reader.js";
import { readSelect } from "./select.js";
import type { Scope, Value } from "./values.js";
import { readDelete, readInsert, readUpdate } from "./writes.js";

export type Row = Readonly<Record<string, Value>>;

/** The rows as a statement sees them. */
export interface View {
  rows(): readonly Row[];
  /** Somebody else has it locked. */
  isLocked(sessionId: string): boolean;
}

/** What a statement changes: a row as it is from now on, or that it is gone. */
export interface Change {
  readonly sessionId: string;
  readonly row: Row | null;
}

/** A statement of ours, as the simulated database understands it. */
export type Statement =
  | { readonly kind: "read"; run(view: View, scope: Scope): Row[] }
  | {
      readonly kind: "write";
      /** Of how many rows it may be: where more than one, a fault may lie about the count. */
      readonly table: string;
      /** Which rows it has to lock first. Where it leaves locked ones out, those are not among them. */
      lock(view: View, scope: Scope): { ids: string[]; waits: boolean; chosen: Row[] | undefined };
      /** With its locks held. Throws a database error where it is refused. */
      run(view: View, scope: Scope, chosen: Row[] | undefined): { changes: Change[]; matched: number };
    }
  | { readonly kind: "do"; run(scope: Scope): void };

const known = new Map<string, Statement>();

/** Statements are a few dozen texts. Throws an `UnknownStatement`. */
export function statementOf(sql: string): Statement {
  let statement = known.get(sql);
  if (!statement) {
    statement = read(new Reader(sql));
    if (known.size > 5_000) known.clear();
    known.set(sql, statement);
  }
  return statement;
}

function read(reader: Reader): Statement {
  let statement: Statement;
  if (reader.sees("select")) {
    const select = readSelect(reader);
    statement = { kind: "read", run: (view, scope) => select.run(view, scope).rows };
  } else if (reader.has("do")) statement = readDo(reader);
  else if (reader.has("update")) statement = readUpdate(reader);
  else if (reader.has("insert")) statement = readInsert(reader);
  else if (reader.has("delete")) statement = readDelete(reader);
  else if (reader.has("show")) statement = readShow(reader);
  else if (reader.has("set")) statement = { kind: "do", run: () => {} };
  else throw reader.unknown("at its beginning");
  if (statement.kind !== "do" && reader.token.kind !== "end") throw reader.unknown("behind its end");
  return statement;
}

function readDo(reader: Reader): Statement {
  const expression = readExpression(reader);
  return { kind: "do", run: (scope) => void expression(scope) };
}

function readShow(reader: Reader): Statement {
  if (reader.has("grants"))
    return {
      kind: "read",
      run: () => [{ Grants: "GRANT SELECT, INSERT, UPDATE, DELETE ON `app`.`session` TO `app`@`%`" }],
    };
  reader.expect("session", "variables", "where", "variable_name", "in", "(");
  const names = reader.list(() => reader.take().text);
  reader.expect(")");
  return {
    kind: "read",
    run: (_, { server }) =>
      names
        .map((name) => ({ Variable_name: name, Value: server.variable(name) ?? null }))
        .filter(({ Value }) => Value !== null),
  };
}
