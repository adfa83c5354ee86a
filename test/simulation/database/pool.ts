import { EventEmitter } from "node:events";
import type { SimulatedProcess } from "../world/process.js";
import { type Owner, SimulatedConnection } from "./connection.js";
import type { Database } from "./database.js";
import { raised } from "./error-numbers.js";
import { connectionLost, type DatabaseError } from "./errors.js";

type Callback = (error: unknown, connection?: SimulatedConnection) => void;

/** A pool as mysql2 gives one: the same events, the same order of those who wait. */
export class SimulatedPool extends EventEmitter implements Owner {
  readonly config: object;
  readonly #process: SimulatedProcess;
  readonly #database: Database;
  readonly #limit: number;
  readonly #all = new Set<SimulatedConnection>();
  readonly #free: SimulatedConnection[] = [];
  readonly #waiting: Callback[] = [];
  #making = 0;
  /** The product has used one of its connections, and given it back. */
  hasBeenUsed = false;

  constructor(process: SimulatedProcess, database: Database, limit: number) {
    super();
    this.#process = process;
    this.#database = database;
    this.#limit = limit;
    this.config = { connectionLimit: limit, queueLimit: 0, connectionConfig: { database: "app" } };
  }

  promise(): this {
    return this;
  }

  getConnection(callback: Callback): void {
    const free = this.#free.pop();
    if (free) {
      this.emit("acquire", free);
      process.nextTick(callback, null, free);
    } else if (this.#all.size + this.#making < this.#limit) this.#connect(callback);
    else {
      this.emit("enqueue");
      this.#waiting.push(callback);
    }
  }

  #connect(callback: Callback): void {
    const { random, weather } = this.#database;
    this.#making++;
    this.#process.receive(random.between(...weather.way) + 1, "connects", () => {
      this.#making--;
      const host = this.#database.hostFor();
      const refusal = host ? this.#refusal() : connectionLost("ECONNREFUSED");
      if (!host || refusal) {
        callback(refusal);
        // Its place is free: who waits may try.
        return this.#serveNext();
      }
      const connection = new SimulatedConnection(this.#process, this.#database, this, host);
      this.#all.add(connection);
      this.emit("connection", connection);
      this.emit("acquire", connection);
      callback(null, connection);
    });
  }

  #refusal(): DatabaseError | undefined {
    const { random, weather, count } = this.#database;
    if (weather.errors === 0 || !random.chance(weather.errors)) return undefined;
    const effects = [
      ...(weather.errorsOf.includes("not applied") ? (["not now"] as const) : []),
      ...(weather.errorsOf.includes("refused") ? (["not you"] as const) : []),
    ];
    if (effects.length === 0) return undefined;
    const { error, told } = raised(random, effects);
    count(told);
    return error;
  }

  released(connection: SimulatedConnection): void {
    if (connection.isUsed) this.hasBeenUsed = true;
    if (!this.#all.has(connection)) {
      return this.#serveNext();
    }
    const next = this.#waiting.shift();
    if (next) {
      process.nextTick(next, null, connection);
      return;
    }
    this.#free.push(connection);
    this.emit("release", connection);
  }

  removed(connection: SimulatedConnection): void {
    if (!this.#all.delete(connection)) return;
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    this.#serveNext();
  }

  #serveNext(): void {
    const next = this.#waiting.shift();
    if (next) process.nextTick(() => this.getConnection(next));
  }

  /** All its connections are cut, or those to one server. */
  cut(isOf: (connection: SimulatedConnection) => boolean = () => true): void {
    for (const connection of [...this.#all]) if (isOf(connection)) connection.cut();
  }
}
