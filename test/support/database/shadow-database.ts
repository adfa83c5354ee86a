import type { Pool, PoolConnection, QueryError } from "mysql2";
import { Database } from "../../simulation/database/database.js";
import type { DatabaseError } from "../../simulation/database/errors.js";
import { Execution, type Result } from "../../simulation/database/execution.js";
import { EPOCH_MS } from "../../simulation/world/process.js";
import { Random } from "../../simulation/world/random.js";
import { Timeline } from "../../simulation/world/timeline.js";

type Answer = { errno?: number | undefined; rows?: unknown[]; affected?: number; warnings?: number };
type Callback = (error: QueryError | null, result: unknown) => void;

/**
 * The simulator's database beside a real one: it is given each statement on the table that goes to the real
 * one, once that has answered, and has to give the same answer. The time of both stands still, and is moved
 * by hand.
 */
export class ShadowDatabase {
  /** What was answered otherwise. */
  readonly differences: object[] = [];
  /** How many answers were compared. */
  compared = 0;
  time = EPOCH_MS / 1000;
  readonly #timeline = new Timeline(new Random("shadow"));
  readonly database: Database;

  constructor(engine: "mariadb" | "mysql") {
    this.database = new Database(this.#timeline, { engine, random: new Random("shadow"), count: () => {} });
  }

  /** Moves the time of the simulated database; the caller moves that of the real one. */
  moveTo(time: number): void {
    this.time = time;
    this.database.wrongByMs = time * 1000 - EPOCH_MS - this.#timeline.nowMs;
  }

  /** Compares what the connections of a pool are answered from now on. */
  follow(pool: Pool): void {
    pool.on("connection", (connection: PoolConnection) => {
      const own = connection.query.bind(connection) as (
        sql: string,
        values: unknown[],
        done: Callback,
      ) => unknown;
      own(`set timestamp = ${this.time}`, [], () => {});
      connection.query = ((sql: string, values: unknown[], done: Callback) =>
        own(sql, values, (error, result) => {
          // A look at the connection names the schema and the account, which are others here.
          if (sql.includes("`session`") && !sql.startsWith("do "))
            this.#compare(sql, values, answerOf(error, result));
          done(error, result);
        })) as never;
    });
  }

  #compare(sql: string, parameters: unknown[], real: Answer): void {
    let simulated: Answer | undefined;
    this.moveTo(this.time);
    new Execution(this.database, this.database.primary, { sql, parameters, by: "test" }, (error, result) => {
      simulated = answerOf(error, result);
    }).begin();
    while (!simulated && this.#timeline.step(this.#timeline.nowMs + 10)) this.moveTo(this.time);
    this.compared++;
    if (JSON.stringify(simulated) !== JSON.stringify(real))
      this.differences.push({ sql, parameters, real, simulated });
  }
}

function answerOf(error: QueryError | DatabaseError | null, result: Result | unknown): Answer {
  if (error) return { errno: error.errno };
  if (!Array.isArray(result)) {
    const { affectedRows, warningStatus } = result as { affectedRows: number; warningStatus: number };
    return { affected: affectedRows, warnings: warningStatus };
  }
  const rows = (result as Record<string, unknown>[]).map((row) => JSON.stringify(Object.entries(row).sort()));
  return { rows: rows.sort() };
}
