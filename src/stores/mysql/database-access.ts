import type { Log } from "../../base/log.js";
import { LogOnce } from "../../base/log-once.js";
import { SessionError } from "../../errors.js";
import type { Facts } from "../../facts.js";
import { StoreFault } from "../../store.js";
import { Call } from "./call.js";
import { type CheckedConnection, checkConnection } from "./connection-check.js";
import { ConnectionLender } from "./connection-lender.js";
import { findUnfit, isGuardError, type Unfit, unfitByAnswer } from "./connection-state.js";
import { DatabaseClock } from "./database-clock.js";
import { sourceOf } from "./db-kinds.js";
import { endsConnection, toFault } from "./faults.js";
import type { Answer, ConnectionSource, LentConnection, SqlText } from "./lent-connection.js";
import type { ServerFacts } from "./server-facts.js";
import { askTime } from "./session-time.js";

/** A statement, as it suits the server. */
export type Statement = (server: ServerFacts) => SqlText;

/** What is known of a connection. */
interface Known {
  readonly checked: CheckedConnection;
  /** {@link LentConnection.uses} when it was last looked at. */
  uses: number;
  /** {@link DatabaseAccess} has had reason to doubt what it found before that often. */
  doubts: number;
}

/** Thrown, and caught, within {@link DatabaseAccess}: this connection will not do. */
class UnfitConnection extends Error {
  readonly unfit: Unfit;
  /** Whether the statement may have taken effect. */
  readonly afterWrite: boolean;

  constructor(unfit: Unfit, { afterWrite = false } = {}) {
    super(unfit.reason);
    this.unfit = unfit;
    this.afterWrite = afterWrite;
  }
}

interface DatabaseAccessOptions {
  /** Quoted, as in statements. */
  readonly table: string;
  readonly timeoutMs: number;
  readonly log: Log;
  readonly facts?: Facts | undefined;
}

/**
 * The one way to the database: runs a statement on a connection that was found fit, and believes no answer of
 * another.
 */
export class DatabaseAccess {
  /** A single connection does not come back after it was lost. */
  readonly reconnects: boolean;
  readonly #source: ConnectionSource;
  readonly #lender: ConnectionLender;
  readonly #table: string;
  readonly #timeoutMs: number;
  readonly #log: Log;
  readonly #known = new WeakMap<object, Known>();
  /**
   * Grows when a connection tells something of the server: what is known of the others is looked at again.
   */
  #doubts = 0;
  /** The schema of the first connection, where nothing else says which it is to be. */
  #database: string | null | undefined;
  readonly #once = new LogOnce();
  #server: ServerFacts | undefined;
  readonly clock = new DatabaseClock();
  #refreshing: Promise<void> | undefined;

  constructor(db: unknown, { table, timeoutMs, log, facts }: DatabaseAccessOptions) {
    this.#table = table;
    this.#source = sourceOf(db);
    this.reconnects = this.#source.reconnects;
    this.#lender = new ConnectionLender(this.#source, timeoutMs / 2, facts);
    this.#timeoutMs = timeoutMs;
    this.#log = log;
    this.#database = this.#source.database;
  }

  /** How many connections are used at once. */
  get concurrency(): number {
    return this.#lender.concurrency;
  }

  /** The server of the connection that was checked last; `undefined` until one has been reached. */
  get server(): ServerFacts | undefined {
    return this.#server;
  }

  /**
   * Has {@link clock} refreshed: from the check of a new connection, or by a statement. Rejects as
   * {@link read} does.
   */
  refreshClock(): Promise<void> {
    this.#refreshing ??= this.#refreshClock().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refreshClock(): Promise<void> {
    const askedAtMs = this.clock.sending();
    const listen = async (lent: LentConnection) => {
      if (this.clock.answeredAtMs < askedAtMs) await askTime(lent, this.clock);
      return NOTHING;
    };
    await this.#call((call) => this.#run(call, listen, { writes: false }));
  }

  /**
   * Runs a SELECT; rejects with a {@link StoreFault} or, for a connection that is not fit, a `SessionError`.
   * On a table it needs {@link ServerFacts.guard} as a condition.
   */
  read<Row>(statement: Statement): Promise<Answer<Row>> {
    return this.#call((call) =>
      this.#run(call, (lent, server) => ask<Row>(lent, statement(server)), { writes: false }),
    );
  }

  /** Runs a statement that changes rows; rejects as {@link read} does. */
  write(statement: Statement): Promise<Answer<unknown>> {
    return this.#call((call) =>
      this.#run(call, (lent, server) => ask(lent, statement(server)), { writes: true }),
    );
  }

  async #call<Result>(run: (call: Call) => Promise<Result>): Promise<Result> {
    const call = new Call(this.#lender, this.#timeoutMs);
    try {
      return await Promise.race([run(call), call.overdue]);
    } finally {
      call.end();
    }
  }

  /**
   * Tries one connection after another while each says that nothing was done, and that it is not the
   * statement's fault.
   */
  async #run<Row>(
    call: Call,
    use: (lent: LentConnection, server: ServerFacts) => Promise<Answer<Row>>,
    { writes }: { writes: boolean },
  ): Promise<Answer<Row>> {
    for (let tries = this.#source.connections + 1; ; tries--) {
      let lent: LentConnection;
      // What was sent before had surely no effect.
      call.stage = "connecting";
      try {
        lent = await call.borrow();
      } catch (error) {
        throw toFault(error, "connecting");
      }
      const { isNew } = lent;
      try {
        const { checked } = await this.#ensureFit(lent, writes);
        call.mayGoOn();
        call.stage = "sent";
        const asked = use(lent, checked.server);
        const answer = lent.isShared ? await this.#recheckAfter(asked, lent, checked, writes) : await asked;
        const unfit = writes && unfitByAnswer(answer);
        if (unfit) throw new UnfitConnection(unfit, { afterWrite: true });
        call.giveBack();
        return answer;
      } catch (error) {
        const reason = isGuardError(error) ? await this.#explainUnfit(lent) : error;
        const fault = this.#toError(reason, call.stage);
        const isOver =
          reason instanceof UnfitConnection || reason instanceof SessionError || endsConnection(reason);
        if (isOver) call.drop();
        else call.giveBack();
        // A new connection is as good as any: what it says holds for the server. One that may be new was
        // spoilt if another was fit.
        const isAsAny = isNew ?? !(reason instanceof SessionError && this.#server);
        const goesOn = isOver && this.reconnects && !isAsAny && tries > 0;
        if (!goesOn || (fault instanceof StoreFault && fault.kind !== "not-applied")) throw fault;
      }
    }
  }

  #toError(error: unknown, stage: Call["stage"]): SessionError | StoreFault {
    if (error instanceof SessionError) return error;
    if (!(error instanceof UnfitConnection)) {
      if (endsConnection(error)) this.#doubts++;
      return toFault(error, stage);
    }
    const { unfit, afterWrite } = error;
    if (unfit.kind === "server") this.#doubts++;
    else if (this.reconnects)
      this.#logOnce(
        `${unfit.reason}; a connection must be given back to the pool as it was taken from it. It is closed`,
      );
    return new StoreFault(afterWrite ? "unknown" : "not-applied", unfit.reason);
  }

  /** What is known of a connection, once nothing speaks against it any more. */
  async #ensureFit(lent: LentConnection, writes: boolean): Promise<Known> {
    let known = this.#known.get(lent.key);
    const doubts = this.#doubts;
    if (!known || (known.checked.found.isTimeSet && this.clock.hasRun)) known = await this.#check(lent);
    else if (
      known.uses === lent.uses &&
      known.doubts === doubts &&
      !(writes && known.checked.ignoresReadOnly)
    )
      return known;
    const unfit = await findUnfit(lent, known.checked.names, known.checked.found, this.#table);
    if (unfit) throw new UnfitConnection(unfit);
    known.uses = lent.uses;
    known.doubts = doubts;
    return known;
  }

  async #check(lent: LentConnection): Promise<Known> {
    const checked = await checkConnection(lent, this.clock, { database: this.#database });
    this.#server = checked.server;
    if (this.#database === undefined) this.#database = checked.found.database;
    if (checked.ignoresReadOnly)
      this.#logOnce(
        "the database account may write on a read-only server, so a primary that was replaced would not refuse its changes; take that right from it (sql/grant.sql has the four that are needed)",
      );
    const known = { checked, uses: lent.uses, doubts: this.#doubts };
    this.#known.set(lent.key, known);
    return known;
  }

  /**
   * The application may have changed a connection that it shares between the check and the statement. What is
   * asked here comes to it right behind the statement, with nothing in between.
   */
  async #recheckAfter<Row>(
    asked: Promise<Answer<Row>>,
    lent: LentConnection,
    { names, found }: CheckedConnection,
    writes: boolean,
  ): Promise<Answer<Row>> {
    const [answer, unfit] = await Promise.all([asked, findUnfit(lent, names, found, this.#table)]);
    if (unfit) throw new UnfitConnection(unfit, { afterWrite: writes });
    return answer;
  }

  /** A SELECT has failed by its guard. */
  async #explainUnfit(lent: LentConnection): Promise<UnfitConnection> {
    const known = this.#known.get(lent.key);
    let unfit: Unfit | undefined;
    try {
      unfit = known && (await findUnfit(lent, known.checked.names, known.checked.found, this.#table));
    } catch {
      // It is dropped anyway.
    }
    return new UnfitConnection(unfit ?? { kind: "server", reason: "the server was read-only" });
  }

  #logOnce(text: string): void {
    if (this.#once.isDue(text)) this.#log.warn({}, text);
  }
}

const NOTHING: Answer<never> = { rows: [], affected: 0 };

function ask<Row>(lent: LentConnection, { sql, parameters }: SqlText): Promise<Answer<Row>> {
  return lent.ask<Row>(sql, parameters);
}
