// @ts-check
// A primary and its replica, behind one address.

import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { makeAccount, makeTable } from "../../scripts/dba.js";
import { layoutOf } from "../../scripts/servers/database-folder.js";
import { findServer } from "../../scripts/servers/database-server.js";
import { DatabaseProxy } from "./proxy.js";
import { replications } from "./replication.js";
import { ACCOUNT, SCHEMA, Server } from "./server.js";

/** @typedef {import("../../scripts/servers/database-server.js").Engine} Engine */

export class Servers {
  engine;
  primary;
  replica;
  proxy;
  replication;
  /** Of the nodes' account. */
  password;
  /** Which server is written to is just being changed. */
  switching = false;

  /**
   * @param {Engine} engine @param {Server} primary @param {Server} replica @param {DatabaseProxy} proxy
   * @param {string} password
   */
  constructor(engine, primary, replica, proxy, password) {
    this.engine = engine;
    this.primary = primary;
    this.replica = replica;
    this.proxy = proxy;
    this.password = password;
    this.replication = replications[engine];
  }

  /** @param {{ engine: Engine, folder: string, say: (line: string) => void }} options */
  static async start({ engine, folder, say }) {
    const server = await findServer({ engine, say });
    const { settings, ...replication } = replications[engine];
    // What root's account is is replicated too, so both have one password; MySQL takes 32 characters there at
    // most.
    const rootPassword = randomBytes(12).toString("hex");
    const start = (/** @type {"one" | "two"} */ name, /** @type {number} */ id) => {
      const own = path.join(folder, name);
      fs.mkdirSync(own, { recursive: true });
      fs.writeFileSync(layoutOf(own).password, `${rootPassword}\n`, { mode: 0o600 });
      return Server.start(name, {
        engine,
        server,
        say,
        folder: own,
        settings: [...settings, `--server-id=${id}`],
      });
    };
    const primary = await start("one", 1);
    const replica = await start("two", 2);
    for (const each of [primary, replica]) await replication.forgetLog(each);
    await replication.follow(replica, primary);
    const password = randomBytes(24).toString("hex");
    await prepare(engine, primary, password);
    await replication.catchUp(replica, primary);
    await replication.refuseWrites(replica);
    return new Servers(engine, primary, replica, await DatabaseProxy.start(primary.port), password);
  }

  /** What the nodes connect by. */
  get access() {
    return {
      host: "127.0.0.1",
      user: ACCOUNT,
      password: this.password,
      database: SCHEMA,
      charset: "utf8mb4",
    };
  }

  /** As an operator's tool does it: nothing acknowledged stays behind. Old connections live on. */
  async switchOver() {
    const { primary, replica, replication, proxy } = this;
    this.switching = true;
    // The server waits for transactions that are open; such a tool ends them at last.
    const impatient = setTimeout(() => primary.kill("CONNECTION").catch(() => {}), 3000);
    try {
      await replication.refuseWrites(primary);
      clearTimeout(impatient);
      await replication.catchUp(replica, primary);
      await replication.unfollow(replica);
      await replication.allowWrites(replica);
      this.primary = replica;
      this.replica = primary;
      proxy.target = replica.port;
      await replication.follow(primary, replica);
    } finally {
      clearTimeout(impatient);
      this.switching = false;
    }
  }

  async stop() {
    await this.proxy.close();
    await Promise.all([this.primary.stop(), this.replica.stop()]);
  }
}

/**
 * Plays the DBA: our table with its four rights, and one of the application's. @param {Engine} engine @param
 * {Server} server @param {string} password
 */
async function prepare(engine, server, password) {
  await server.withConnection(async (connection) => {
    await makeTable(connection, SCHEMA);
    await connection.query("CREATE TABLE work (id INT PRIMARY KEY AUTO_INCREMENT, note INT NOT NULL)");
    await makeAccount(connection, { database: SCHEMA, account: ACCOUNT, password });
    for (const host of ["localhost", "127.0.0.1"]) {
      await connection.query(`GRANT SELECT, INSERT ON ${SCHEMA}.work TO '${ACCOUNT}'@'${host}'`);
      // For SET timestamp.
      if (engine === "mysql")
        await connection.query(`GRANT SESSION_VARIABLES_ADMIN ON *.* TO '${ACCOUNT}'@'${host}'`);
    }
  });
}
