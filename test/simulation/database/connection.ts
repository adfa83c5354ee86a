import type { SimulatedProcess } from "../world/process.js";
import { ConnectionState } from "./connection-state.js";
import type { Database, Host } from "./database.js";
import { connectionLost, type DatabaseError } from "./errors.js";
import { Execution, type Result } from "./execution.js";

type Callback = (error: DatabaseError | null, result?: Result) => void;

interface Command {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  readonly callback: Callback;
}

/** What a pool does with a connection. */
export interface Owner {
  released(connection: SimulatedConnection): void;
  removed(connection: SimulatedConnection): void;
}

/** A connection as mysql2 gives one, by what the product uses of it. */
export class SimulatedConnection {
  readonly #process: SimulatedProcess;
  readonly #database: Database;
  readonly #owner: Owner;
  readonly host: Host;
  readonly state = new ConnectionState();
  readonly #queue: Command[] = [];
  #current: Command | undefined;
  isClosed = false;
  /** The product has had an answer by it. */
  isUsed = false;

  constructor(process: SimulatedProcess, database: Database, owner: Owner, host: Host) {
    this.#process = process;
    this.#database = database;
    this.#owner = owner;
    this.host = host;
  }

  query(sql: string, parameters: unknown[], callback: Callback): void {
    if (this.isClosed) {
      const error = new Error("Can't add new command when connection is in closed state");
      process.nextTick(callback, Object.assign(error, { fatal: true }));
      return;
    }
    this.#queue.push({ sql, parameters, callback });
    this.#next();
  }

  release(): void {
    this.#owner.released(this);
  }

  /** By the client. What has been sent runs all the same. */
  destroy(): void {
    this.#close();
  }

  /** The server rolls back what it was in. */
  #close(): void {
    this.isClosed = true;
    this.#owner.removed(this);
    this.#database.open.delete(this.state);
    this.state.transaction = undefined;
    this.#database.unlock(this.state);
  }

  on(): void {}

  /** From outside: what waits for an answer gets an error. */
  cut(): void {
    if (this.isClosed) return;
    this.#close();
    const commands = [...(this.#current ? [this.#current] : []), ...this.#queue.splice(0)];
    this.#current = undefined;
    const code = this.#database.random.chance(0.5) ? "ECONNRESET" : "PROTOCOL_CONNECTION_LOST";
    for (const { callback } of commands) callback(connectionLost(code));
  }

  #next(): void {
    if (this.#current) return;
    this.#current = this.#queue.shift();
    if (this.#current) this.#send(this.#current);
  }

  #send(command: Command): void {
    const database = this.#database;
    const { random, weather, timeline } = database;
    const happens = (what: string, probability: number) => {
      if (!random.chance(probability)) return false;
      database.count(what);
      timeline.tell(this.#process.name, () => `${what}: ${command.sql.slice(0, 60)}`);
      return true;
    };
    const wayMs = random.between(...weather.way);
    if (happens("cut before", weather.cutBefore))
      return this.#process.receive(wayMs, "connection cut", () => this.cut());
    const isLate = happens("cut during", weather.cutDuring);
    if (isLate) this.#process.receive(wayMs, "connection cut", () => this.cut());
    const isCut = !isLate && happens("cut after", weather.cutAfter);
    const isSilent = !isLate && happens("silent", weather.silent);
    const beganAtMs = timeline.nowMs + wayMs + (isLate ? random.between(0, weather.lateMs) : 0);
    const by = this.#process.name;
    const sentAtMs = timeline.nowMs;
    timeline.at(beganAtMs, database, `begins ${command.sql.slice(0, 6)}`, () => {
      const given = { ...command, by, sentAtMs, state: this.state };
      const execution = new Execution(database, this.host, given, (error, result, isEnd) => {
        if (isLate && this.isClosed) database.count("ran after it was given up");
        if (isSilent) return;
        const answer = () => (isCut ? this.cut() : this.#answered(command, error, result, isEnd));
        this.#process.receive(random.between(...weather.way), isCut ? "connection cut" : "answer", answer);
      });
      execution.begin();
    });
  }

  /** `isEnd`: the server closes the connection behind it. */
  #answered(command: Command, error: DatabaseError | null, result: Result | undefined, isEnd: boolean): void {
    if (this.isClosed || this.#current !== command) return;
    this.#current = undefined;
    if (!error) this.isUsed = true;
    if (isEnd || error?.errno === 1053) this.#close();
    command.callback(error, result);
    this.#next();
  }
}
