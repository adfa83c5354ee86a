import type { StoreSettings } from "../../../src/store.js";
import { MysqlStore } from "../../../src/stores/mysql/mysql-store.js";
import type { SimulatedConnection } from "../../simulation/database/connection.js";
import { Database } from "../../simulation/database/database.js";
import { SimulatedPool } from "../../simulation/database/pool.js";
import { SimulatedProcess } from "../../simulation/world/process.js";
import { Random } from "../../simulation/world/random.js";
import { Timeline } from "../../simulation/world/timeline.js";

/** A statement that the simulated database was sent, when, and how it has answered. */
export interface Recorded {
  readonly second: number;
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly error: unknown;
  readonly result: unknown;
}

/** The product's store on a simulated database of its own, which is in good order: nothing goes wrong. */
export class RecordedStore {
  readonly store: MysqlStore;
  readonly database: Database;
  readonly recorded: Recorded[] = [];
  readonly #timeline: Timeline;
  readonly #pool: SimulatedPool;
  readonly #flaw: (sql: string) => string;

  /** `flaw`: has the simulated database understand a statement otherwise. */
  constructor(
    engine: Database["engine"],
    settings: StoreSettings,
    { flaw = (sql: string) => sql }: { flaw?: ((sql: string) => string) | undefined } = {},
  ) {
    this.#flaw = flaw;
    const random = new Random("comparison");
    this.#timeline = new Timeline("comparison");
    this.database = new Database(this.#timeline, { random, engine, count: () => {} });
    // The time stands still but where the schedule says.
    Object.assign(this.database.weather, { way: [0, 0], work: [0, 0] });
    const process = new SimulatedProcess("node", this.#timeline, random);
    // One connection, so that statements come one after the other.
    this.#pool = new SimulatedPool(process, this.database, 1);
    this.#pool.on("connection", (connection: SimulatedConnection) => this.#record(connection));
    this.store = new MysqlStore(this.#pool as never, "session", settings);
  }

  #record(connection: SimulatedConnection): void {
    const query = connection.query.bind(connection);
    connection.query = (sql, parameters, callback) => {
      const second = Math.floor(this.database.time);
      query(this.#flaw(sql), parameters, (error, result) => {
        this.recorded.push({ second, sql, parameters, error, result });
        callback(error, result);
      });
    };
  }

  /** Runs what the store is asked, with all that comes of it; what it throws is answered too. */
  async run(ask: (store: MysqlStore) => Promise<unknown>): Promise<void> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    ask(this.store).then(over, over);
    while (!isOver) {
      await new Promise(setImmediate);
      this.#timeline.step(this.#timeline.nowMs + 1);
    }
  }

  /** Runs a statement that is not the store's. */
  query(sql: string, parameters: unknown[]): Promise<void> {
    return this.run(
      () =>
        new Promise((resolve) => {
          this.#pool.getConnection((_, connection) => {
            connection?.query(sql, parameters, () => {
              connection.release();
              resolve(undefined);
            });
          });
        }),
    );
  }

  wait(seconds: number): void {
    this.database.wrongByMs += seconds * 1000;
  }
}
