// @ts-check
// One of the two database servers, with what its administrator does to it.
import fs from "node:fs";
import path from "node:path";
import { createPool } from "mysql2/promise";
import { startDatabase } from "../../scripts/servers/database.js";
import { layoutOf, rootPassword } from "../../scripts/servers/database-folder.js";
import { isShuttingDown } from "../../scripts/shutdown.js";
import { pause } from "./world.js";

/** @typedef {import("../../scripts/servers/database.js").Database} Database */
/** @typedef {Record<string, any>} Row */
/** @typedef {Omit<Parameters<typeof startDatabase>[0], "port">} How */

export const SCHEMA = "soak";
export const ACCOUNT = "soak";

export class Server {
  /** @type {"one" | "two"} */
  name;
  password;
  /** @type {Database} */
  #database;
  /** @type {How} */
  #how;
  /** @type {import("mysql2/promise").Pool} */
  #pool;
  /** It is down, and shall be. */
  #isDown = false;

  /** @param {"one" | "two"} name @param {Database} database @param {How} how */
  constructor(name, database, how) {
    this.name = name;
    this.#database = database;
    this.#how = how;
    this.password = rootPassword(how.folder);
    this.#pool = createPool({
      uri: database.url,
      charset: "utf8mb4",
      connectionLimit: 6,
      supportBigNumbers: true,
    });
    this.#watch();
  }

  /** @param {"one" | "two"} name @param {How} how */
  static async start(name, how) {
    return new Server(name, await startDatabase(how), how);
  }

  get port() {
    return this.#database.port;
  }

  /** How often it ended without having been asked to. */
  crashes = 0;

  /** Starts it again where it crashes, as whatever looks after servers does. */
  #watch() {
    const watched = this.#database;
    watched.exited.then(async () => {
      if (this.#isDown || watched !== this.#database || isShuttingDown()) return;
      this.crashes++;
      const { folder, say } = this.#how;
      const { log } = layoutOf(folder);
      fs.copyFileSync(log, path.join(folder, "..", "..", `server-${this.name}-crash-${this.crashes}.log`));
      say(
        `!  Database server ${this.name} crashed; its last words are kept in server-${this.name}-crash-${this.crashes}.log.`,
      );
      this.#isDown = true;
      await this.#startAgain(watched.port);
    });
  }

  /** @param {number} port */
  async #startAgain(port) {
    this.#database = await startDatabase({ ...this.#how, port });
    this.#isDown = false;
    this.#watch();
  }

  /**
   * As root, past the proxy. Asks again where the connection was an old one.
   * @param {string} sql @param {unknown[]} [values] @returns {Promise<Row[]>}
   */
  async query(sql, values = []) {
    for (let tries = 1; ; tries++) {
      try {
        const [rows] = await this.#pool.query(sql, values);
        return /** @type {Row[]} */ (rows);
      } catch (error) {
        const { code = "" } = /** @type {{ code?: string }} */ (error);
        if (tries === 8 || !/^(PROTOCOL|ECONN|EPIPE|ER_CLIENT_INTERACTION|4031)/.test(code)) throw error;
        await pause(tries * 100);
      }
    }
  }

  /**
   * A connection as root of one's own; it is closed after `use`. @template T @param {(connection:
   * import("mysql2/promise").PoolConnection) => Promise<T>} use
   */
  async withConnection(use) {
    const connection = await this.#pool.getConnection();
    try {
      return await use(connection);
    } finally {
      connection.destroy();
    }
  }

  /**
   * Kills the connections of the nodes, or what they run. @param {"CONNECTION" | "QUERY"} what @param {(row:
   * Row) => boolean} [which]
   */
  async kill(what, which = () => true) {
    const list = await this.query("SHOW PROCESSLIST");
    const met = list.filter((row) => row["User"] === ACCOUNT && which(row));
    await Promise.all(met.map(({ Id }) => this.query(`KILL ${what} ${Id}`).catch(() => {})));
    return met.length;
  }

  /**
   * Ends it and starts it again on the same port: in order, or as a power cut would. @param {"SIGTERM" |
   * "SIGKILL"} signal @param {number} awayMs
   */
  async restart(signal, awayMs) {
    this.#isDown = true;
    const { port, exited } = this.#database;
    const { server } = JSON.parse(fs.readFileSync(layoutOf(this.#how.folder).record, "utf8"));
    process.kill(server, signal);
    await exited;
    await new Promise((resolve) => setTimeout(resolve, awayMs));
    await this.#startAgain(port);
  }

  async stop() {
    this.#isDown = true;
    await this.#pool.end().catch(() => {});
    await this.#database.stop();
  }
}
