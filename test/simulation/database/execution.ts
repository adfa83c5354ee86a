import { type Row, type Statement, statementOf, type View } from "../sql/statement.js";
import type { Scope, Value } from "../sql/values.js";
import type { Database, Host } from "./database.js";
import { type DatabaseError, databaseError } from "./errors.js";
import { stateOf } from "./variables.js";
import type { Span } from "./weather.js";

/** As mysql2 gives the answer to a statement that has no rows. */
export interface ResultHeader {
  readonly affectedRows: number;
  readonly insertId: number;
  readonly serverStatus: number;
  readonly warningStatus: number;
}

export type Result = Row[] | ResultHeader;

/** How long a statement waits for a lock: `innodb_lock_wait_timeout`. */
const LOCK_WAIT_MS = 50_000;
const AUTOCOMMIT = 2;
/** Rolled back, by whatever: surely without effect. */
const ROLLED_BACK = [1213, 1205, 1317, 1020, 3101];

/**
 * One statement on the server: it takes its locks, works, commits or is rolled back, and answers. It runs to
 * its end, whoever has gone.
 */
export class Execution {
  readonly #database: Database;
  readonly #host: Host;
  readonly #sql: string;
  readonly #by: string;
  readonly #statement: Statement;
  readonly #scope: Scope;
  readonly #answer: (error: DatabaseError | null, result: Result | undefined) => void;
  #stopWaiting: (() => void) | undefined;
  #chosen: Row[] | undefined;

  constructor(
    database: Database,
    host: Host,
    given: { sql: string; parameters: readonly unknown[]; by: string },
    answer: (error: DatabaseError | null, result: Result | undefined) => void,
  ) {
    this.#database = database;
    this.#host = host;
    this.#sql = given.sql;
    this.#by = given.by;
    this.#statement = statementOf(given.sql);
    this.#scope = {
      rows: new Map(),
      parameters: given.parameters as Value[],
      server: stateOf(database, host),
      answer: { insertId: 0, warnings: 0 },
    };
    this.#answer = answer;
  }

  begin(): void {
    const { random, weather } = this.#database;
    if (!this.#host.isUp) return this.#fail(databaseError(1053, "Server shutdown in progress"));
    if (random.chance(weather.refused)) {
      this.#database.count("refused");
      return this.#fail(databaseError(random.pick([...ROLLED_BACK, 1114])));
    }
    try {
      const statement = this.#statement;
      if (statement.kind === "write") return this.#beginWrite();
      const rows = statement.kind === "read" ? statement.run(this.#readView(), this.#scope) : undefined;
      if (statement.kind === "do") statement.run(this.#scope);
      this.#after(weather.work, () => this.#succeed(rows ?? this.#header(0)));
    } catch (error) {
      this.#failBy(error);
    }
  }

  /** Without locks, and perhaps late. */
  #readView(): View {
    const { random, weather, timeline } = this.#database;
    let rows = this.#database.rows;
    if (random.chance(weather.lag)) {
      const seen = this.#database.rowsAt(timeline.nowMs - random.between(1, weather.lagMs));
      if (seen.length !== rows.length || seen.some((row, n) => row !== rows[n]))
        this.#database.count("read late");
      rows = seen;
    }
    return { rows: () => rows, isLocked: () => false };
  }

  get #writeView(): View {
    return {
      rows: () => this.#database.rows,
      isLocked: (id) => this.#database.isLocked(id, this),
    };
  }

  #beginWrite(): void {
    if (this.#host.isReadOnly) return this.#fail(databaseError(1290, "The server is read-only"));
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
      if (!this.#database.lock(ids, this) && waits) return false;
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
    try {
      const { changes, matched } = this.#statement.run(this.#writeView, this.#scope, this.#chosen);
      if (random.chance(weather.deadlock)) {
        this.#database.count("deadlock");
        return this.#rollBack(databaseError(random.pick(ROLLED_BACK)));
      }
      const isUnclear = random.chance(weather.unclear);
      if (!isUnclear || random.chance(0.5)) this.#database.commit(changes, this.#by);
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

  #rollBack(error: DatabaseError): void {
    this.#database.unlock(this);
    this.#fail(error);
  }

  #header(affectedRows: number): ResultHeader {
    const { insertId, warnings } = this.#scope.answer;
    return { affectedRows, insertId, serverStatus: AUTOCOMMIT, warningStatus: warnings };
  }

  /** Only errors of the database are answers; all others are the simulator's own. */
  #failBy(error: unknown): void {
    if ((error as DatabaseError).errno === undefined) throw error;
    this.#fail(error as DatabaseError);
  }

  #fail(error: DatabaseError): void {
    this.#answer(error, undefined);
  }

  #succeed(result: Result): void {
    this.#answer(null, result);
  }

  #after(span: Span, run: () => void): void {
    const { timeline, random } = this.#database;
    const what = `works on ${this.#sql.slice(0, 6)}`;
    timeline.at(timeline.nowMs + random.between(...span), this.#database, what, run);
  }
}
