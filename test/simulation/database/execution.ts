import { type Change, type Row, type Statement, statementOf, type View } from "../sql/statement.js";
import type { Scope, Value } from "../sql/values.js";
import { CONFLICT } from "./cluster.js";
import type { ConnectionState } from "./connection-state.js";
import type { Database, Host } from "./database.js";
import { type Raised, raised } from "./error-numbers.js";
import { type DatabaseError, databaseError } from "./errors.js";
import { readsInTime, stateOf } from "./variables.js";
import type { Span } from "./weather.js";

/** As mysql2 gives the answer to a statement that has no rows. */
export interface ResultHeader {
  readonly affectedRows: number;
  readonly insertId: number;
  readonly serverStatus: number;
  readonly warningStatus: number;
}

export type Result = Row[] | ResultHeader;

/** `isEnd`: the server closes the connection behind it. */
export type Answered = (error: DatabaseError | null, result: Result | undefined, isEnd: boolean) => void;

interface Given {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly by: string;
  readonly sentAtMs: number;
  /** Of the connection that it comes by. */
  readonly state: ConnectionState;
}

/** How long a statement waits for a lock: `innodb_lock_wait_timeout`. */
const LOCK_WAIT_MS = 50_000;
/** Flags of an answer. */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;
const NO_BACKSLASH_ESCAPES = 512;
/** Rolled back, by whatever: surely without effect. */
const ROLLED_BACK = [1213, 1205, 1317, 1020, 3101];
/** What may be behind an answer that was given too early. */
const LATER_MS = 2_000;

/**
 * One statement on the server: it takes its locks, works, commits or is rolled back, and answers. It runs to
 * its end, whoever has gone.
 */
export class Execution {
  readonly #database: Database;
  readonly #host: Host;
  readonly #sql: string;
  readonly #by: string;
  readonly #sentAtMs: number;
  readonly #state: ConnectionState;
  readonly #statement: Statement;
  readonly #scope: Scope;
  readonly #answer: Answered;
  readonly #isOnTable: boolean;
  #stopWaiting: (() => void) | undefined;
  #chosen: Row[] | undefined;
  /** The rows as they were here when they were locked: on another server they may have been changed since. */
  #locked = new Map<string, Row | null>();
  /** What comes of the commit, where it has been decided that it does not come through as it should. */
  #raised: Raised | undefined;

  constructor(
    database: Database,
    host: Host,
    { sql, parameters, by, sentAtMs, state }: Given,
    answer: Answered,
  ) {
    this.#database = database;
    this.#host = host;
    this.#sql = sql;
    this.#by = by;
    this.#sentAtMs = sentAtMs;
    this.#state = state;
    this.#statement = statementOf(sql);
    this.#isOnTable = sql.includes("`session`");
    this.#scope = {
      rows: new Map(),
      parameters: asSent(parameters as Value[], state),
      server: stateOf(database, host, state),
      answer: { insertId: 0, warnings: 0 },
    };
    this.#answer = answer;
  }

  begin(): void {
    const { random, weather } = this.#database;
    if (!this.#host.isUp) return this.#fail(databaseError(1053, "Server shutdown in progress"), true);
    if (random.chance(weather.refused)) {
      this.#database.count("refused");
      return this.#fail(databaseError(random.pick([...ROLLED_BACK, 1114])));
    }
    try {
      if (this.#isOnTable) this.#ensureReachable();
      if (this.#raise()) return;
      const statement = this.#statement;
      if (statement.kind === "write") return this.#beginWriteInTime();
      if (statement.kind === "set") this.#state.set(statement.name, statement.value);
      if (statement.kind === "do") statement.run(this.#scope);
      if (statement.kind === "read") return this.#beginRead(statement);
      this.#after(weather.work, () => this.#succeed(this.#header(0)));
    } catch (error) {
      this.#failBy(error);
    }
  }

  /** Whether the table can be reached by this connection. Throws a database error. */
  #ensureReachable(): void {
    const { hasLockedTables, variables } = this.#state;
    if (!this.#host.isPrimary && this.#database.cluster?.kind === "galera") {
      this.#database.count("node without its cluster");
      throw databaseError(1047);
    }
    if (hasLockedTables) throw databaseError(1100);
    if (variables.has("database") && !this.#sql.includes("`.`session`")) throw databaseError(1146);
  }

  /** An error of any number. Answers whether it has come already; else it comes of the commit. */
  #raise(): boolean {
    const { random, weather, count } = this.#database;
    if (weather.errors === 0 || !random.chance(weather.errors)) return false;
    const isWrite = this.#statement.kind === "write";
    const found = raised(
      random,
      weather.errorsOf.flatMap((kind) =>
        kind === "not applied"
          ? (["none", "undone"] as const)
          : kind === "unknown"
            ? (["either"] as const)
            : // The check of a connection takes one of these for a server that lacks something.
              this.#isOnTable
              ? (["wrong"] as const)
              : (["none"] as const),
      ),
    );
    count(found.told);
    if (isWrite && (found.effect === "undone" || found.effect === "either")) {
      this.#raised = found;
      return false;
    }
    this.#fail(found.error, found.isEnd);
    return true;
  }

  #beginRead(statement: Statement & { kind: "read" }): void {
    const { weather } = this.#database;
    if (this.#isOnTable && !this.#state.isAutocommit) this.#begin();
    const isInTime = readsInTime(this.#database, this.#state);
    const { lagMs } = this.#host;
    if (this.#isOnTable && lagMs > 0 && Number.isFinite(lagMs)) {
      this.#database.count(isInTime ? "read waited for its node" : "read from a late node");
      if (isInTime) return this.#after([lagMs, lagMs], () => this.#read(statement));
    }
    const rows = statement.run(this.#readView(), this.#scope);
    this.#after(weather.work, () => this.#succeed(rows));
  }

  /** With what was committed before it began, at least. */
  #read(statement: Statement & { kind: "read" }): void {
    try {
      this.#host.appliedAtMs = this.#database.timeline.nowMs;
      this.#succeed(statement.run(this.#readView(), this.#scope));
    } catch (error) {
      this.#failBy(error);
    }
  }

  /** Without locks, and perhaps late. */
  #readView(): View {
    const { random, weather, timeline } = this.#database;
    let rows = this.#rows;
    if (random.chance(weather.lag)) {
      const seen = this.#database.rowsAt(timeline.nowMs - random.between(1, weather.lagMs));
      if (seen.length !== rows.length || seen.some((row, n) => row !== rows[n]))
        this.#database.count("read late");
      rows = seen;
    }
    const { transaction } = this.#state;
    // What it has seen first it sees until its end.
    if (transaction) rows = this.#database.rowsAt(transaction.sinceMs);
    for (const other of this.#isUncommitted ? this.#database.open : []) rows = other.over(rows);
    rows = this.#state.over(rows);
    return { rows: () => rows, isLocked: () => false };
  }

  get #isUncommitted(): boolean {
    const { variables } = this.#state;
    return ["transaction_isolation", "tx_isolation"].some(
      (name) => variables.get(name) === "READ-UNCOMMITTED",
    );
  }

  /** As this server has them. */
  get #rows(): readonly Row[] {
    return this.#database.rowsOn(this.#host);
  }

  get #writeView(): View {
    const rows = this.#state.over(this.#rows);
    return {
      rows: () => rows,
      isLocked: (id) => this.#database.isLocked(id, this.#owner, this.#host),
    };
  }

  /** Whose the locks are: within a transaction they outlast the statement. */
  get #owner(): object {
    return this.#state.transaction ? this.#state : this;
  }

  #begin(): void {
    this.#state.begin(this.#database.timeline.nowMs);
    this.#database.open.add(this.#state);
  }

  /** In a group a write waits as a read does, on Galera it does not. */
  #beginWriteInTime(): void {
    const { cluster } = this.#database;
    const { lagMs } = this.#host;
    const waits = cluster?.kind === "group" && readsInTime(this.#database, this.#state);
    if (!waits || lagMs === 0 || !Number.isFinite(lagMs)) return this.#beginWrite();
    this.#after([lagMs, lagMs], () => {
      this.#host.appliedAtMs = this.#database.timeline.nowMs;
      this.#beginWrite();
    });
  }

  #beginWrite(): void {
    if (this.#host.isReadOnly) return this.#fail(databaseError(1290, "The server is read-only"));
    const { variables } = this.#state;
    if (["transaction_read_only", "tx_read_only"].some((name) => variables.get(name) === 1))
      return this.#fail(databaseError(1792));
    if (!this.#state.isAutocommit) this.#begin();
    if (this.#lock()) return;
    this.#database.count("waited for a lock");
    const stop = this.#database.wait(() => {
      if (!this.#lock()) return;
      this.#stopWaiting?.();
      this.#stopWaiting = undefined;
    });
    const limit = this.#database.timeline.at(
      this.#database.timeline.nowMs + LOCK_WAIT_MS,
      this.#database,
      "lock wait timeout",
      () => {
        this.#stopWaiting?.();
        this.#rollBack(databaseError(1205));
      },
    );
    this.#stopWaiting = () => {
      stop();
      limit.isCancelled = true;
    };
  }

  /** Takes its locks, as far as they are free, and goes on where it has them all. */
  #lock(): boolean {
    if (this.#statement.kind !== "write") return true;
    try {
      const { ids, waits, chosen } = this.#statement.lock(this.#writeView, this.#scope);
      this.#chosen = chosen;
      if (!this.#database.lock(ids, this.#owner, this.#host) && waits) return false;
      const here = new Map(this.#rows.map((row) => [String(row["sessionId"]), row]));
      this.#locked = new Map(ids.map((id) => [id, here.get(id) ?? null]));
    } catch (error) {
      this.#failBy(error);
      return true;
    }
    this.#after(this.#database.weather.work, () => this.#commit());
    return true;
  }

  #commit(): void {
    if (this.#statement.kind !== "write") return;
    const { random, weather } = this.#database;
    if (!this.#host.isUp || this.#host.isReadOnly) return this.#rollBack(databaseError(1290));
    if (!this.#host.isPrimary || this.#sentAtMs <= this.#database.lostAtMs)
      return this.#rollBack(databaseError(1213));
    try {
      const { changes, matched } = this.#statement.run(this.#writeView, this.#scope, this.#chosen);
      if (this.#state.transaction) return this.#keepOpen(changes, matched);
      if (random.chance(weather.deadlock)) {
        this.#database.count("deadlock");
        return this.#rollBack(databaseError(random.pick(ROLLED_BACK)));
      }
      if (this.#isOvertaken(changes)) return;
      if (this.#raised) return this.#commitBy(this.#raised, changes);
      const isUnclear = random.chance(weather.unclear);
      if (!isUnclear || random.chance(0.5))
        this.#database.commit(changes, this.#by, { host: this.#host, beganAt: this.#scope.server.time });
      this.#database.unlock(this);
      if (isUnclear) {
        this.#database.count("unclear error");
        return this.#fail(databaseError(1105, "unknown error"));
      }
      const lies = matched > 1 && random.chance(weather.lie);
      if (lies) this.#database.count("lied about rows");
      this.#succeed(this.#header(lies ? matched - 1 : matched));
    } catch (error) {
      this.#database.unlock(this);
      this.#failBy(error);
    }
  }

  /** It will be rolled back with the transaction that somebody has left open. */
  #keepOpen(changes: readonly Change[], matched: number): void {
    this.#database.count("written in a transaction of the application");
    this.#state.transaction?.changes.push(...changes);
    this.#succeed(this.#header(matched));
  }

  /** Another server has committed on one of its rows, of which this one had not heard. */
  #isOvertaken(changes: readonly Change[]): boolean {
    const { cluster } = this.#database;
    if (!cluster || this.#areAsLocked(changes)) return false;
    this.#database.count("conflict between nodes");
    this.#rollBack(databaseError(CONFLICT[cluster.kind]));
    return true;
  }

  #areAsLocked(changes: readonly Change[]): boolean {
    return changes.every(
      ({ sessionId }) => (this.#locked.get(sessionId) ?? null) === this.#database.row(sessionId),
    );
  }

  #commitBy({ error, effect, isEnd }: Raised, changes: readonly Change[]): void {
    if (effect === "undone") return this.#rollBack(error, isEnd);
    const { random, timeline } = this.#database;
    const when = random.pick(["before", "later", "never"] as const);
    const commit = () => {
      const isTaken = when === "later" && !this.#areAsLocked(changes);
      if (when !== "never" && !isTaken && this.#sentAtMs > this.#database.lostAtMs)
        this.#database.commit(changes, this.#by, { host: this.#host, beganAt: this.#scope.server.time });
      this.#database.unlock(this);
    };
    if (when !== "later") commit();
    // Its locks are held meanwhile. Not by another server of a cluster, though, nor for a row that is new: whoever
    // comes first has it.
    else timeline.at(timeline.nowMs + random.between(0, LATER_MS), this.#database, "commits late", commit);
    this.#fail(error, isEnd);
  }

  #rollBack(error: DatabaseError, isEnd = false): void {
    this.#database.unlock(this);
    this.#fail(error, isEnd);
  }

  #header(affectedRows: number): ResultHeader {
    const { insertId, warnings } = this.#scope.answer;
    const serverStatus =
      (this.#state.isAutocommit ? AUTOCOMMIT : 0) |
      (this.#state.transaction ? IN_TRANSACTION : 0) |
      (hasNoEscapes(this.#state) ? NO_BACKSLASH_ESCAPES : 0);
    return { affectedRows, insertId, serverStatus, warningStatus: warnings };
  }

  /** Only errors of the database are answers; all others are the simulator's own. */
  #failBy(error: unknown): void {
    if ((error as DatabaseError).errno === undefined) throw error;
    this.#fail(error as DatabaseError);
  }

  #fail(error: DatabaseError, isEnd = false): void {
    this.#answer(error, undefined, isEnd);
  }

  #succeed(result: Result): void {
    this.#answer(null, result, false);
  }

  #after(span: Span, run: () => void): void {
    const { timeline, random } = this.#database;
    const what = `works on ${this.#sql.slice(0, 6)}`;
    timeline.at(timeline.nowMs + random.between(...span), this.#database, what, run);
  }
}

function hasNoEscapes({ variables }: ConnectionState): boolean {
  return String(variables.get("sql_mode") ?? "").includes("NO_BACKSLASH_ESCAPES");
}

/** mysql2 escapes values by backslashes. A server that knows none takes these for a part of the text. */
function asSent(parameters: readonly Value[], state: ConnectionState): readonly Value[] {
  if (!hasNoEscapes(state)) return parameters;
  return parameters.map((value) =>
    typeof value === "string" ? value.replace(/["'\\]/g, (each) => `\\${each}`) : value,
  );
}
