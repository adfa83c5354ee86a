import type { Change, Row } from "../sql/statement.js";
import type { Value } from "../sql/values.js";

/** What was done to one connection, on the server's side: its own settings, and the transaction it is in. */
export class ConnectionState {
  /** Those that differ from the server's. */
  readonly variables = new Map<string, Value>();
  /** Tables are locked by it, of which ours is none. */
  hasLockedTables = false;
  transaction: { readonly sinceMs: number; readonly changes: Change[] } | undefined;

  get isAutocommit(): boolean {
    return Number(this.variables.get("autocommit") ?? 1) === 1;
  }

  /** `default`: as the server has it. */
  set(name: string, value: Value | "default"): void {
    if (value === "default") this.variables.delete(name);
    else this.variables.set(name, value);
  }

  begin(nowMs: number): void {
    this.transaction ??= { sinceMs: nowMs, changes: [] };
  }

  /** The rows with what the transaction has changed. */
  over(rows: readonly Row[]): readonly Row[] {
    const { changes } = this.transaction ?? { changes: [] };
    if (changes.length === 0) return rows;
    const all = new Map(rows.map((row) => [String(row["sessionId"]), row]));
    for (const { sessionId, row } of changes) {
      if (row) all.set(sessionId, row);
      else all.delete(sessionId);
    }
    return [...all.values()];
  }
}

/** In what states applications have been seen to give connections back. */
export const SPOILINGS = [
  "in a transaction",
  "autocommit off",
  "read uncommitted",
  "read only",
  "no backslash escapes",
  "elsewhere",
  "locked tables",
  "its own time",
] as const;
export type Spoiling = (typeof SPOILINGS)[number];

/** Has a connection be so. */
export function spoil(
  state: ConnectionState,
  how: Spoiling,
  { engine, nowMs, time }: { engine: "mysql" | "mariadb"; nowMs: number; time: number },
): void {
  const prefix = engine === "mysql" ? "transaction" : "tx";
  switch (how) {
    case "in a transaction":
      return state.begin(nowMs);
    case "autocommit off":
      return state.set("autocommit", 0);
    case "read uncommitted":
      return state.set(`${prefix}_isolation`, "READ-UNCOMMITTED");
    case "read only":
      return state.set(`${prefix}_read_only`, 1);
    case "no backslash escapes":
      return state.set("sql_mode", "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES");
    case "elsewhere":
      return state.set("database", "other");
    case "locked tables":
      state.hasLockedTables = true;
      return;
    case "its own time":
      state.set("timestamp", Math.floor(time) - 7_200);
  }
}
