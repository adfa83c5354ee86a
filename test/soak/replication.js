// @ts-check
// How each engine says what a switchover needs: follow, how far, has it come that far, be the one that is
// written to.

/** @typedef {import("./server.js").Server} Server */
/**
 * @typedef {object} Replication
 * @property {readonly string[]} settings what both servers are started with
 * @property {(replica: Server, primary: Server) => Promise<void>} follow
 * @property {(server: Server) => Promise<void>} refuseWrites
 * @property {(server: Server) => Promise<void>} allowWrites
 * @property {(replica: Server) => Promise<void>} unfollow
 * @property {(replica: Server, primary: Server) => Promise<void>} catchUp waits until the replica has all of
 * the primary
 * @property {(replica: Server, applies: boolean) => Promise<void>} apply stops and resumes applying what has
 * come
 * @property {(server: Server) => Promise<void>} forgetLog
 */

const durable = ["--sync-binlog=1", "--innodb-flush-log-at-trx-commit=1", "--binlog-format=ROW"];
const WAIT_SECONDS = 60;

/** @type {Replication} */
const mariadb = {
  settings: [...durable, "--log-bin=log", "--relay-log=relay", "--log-slave-updates"],
  async follow(replica, primary) {
    await replica.query("SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos");
    await replica.query(
      "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ?, MASTER_USER = 'root', MASTER_PASSWORD = ?, " +
        "MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos",
      [primary.port, primary.password],
    );
    await replica.query("START SLAVE");
  },
  refuseWrites: (server) => server.query("SET GLOBAL read_only = 1").then(() => {}),
  allowWrites: (server) => server.query("SET GLOBAL read_only = 0").then(() => {}),
  async unfollow(replica) {
    await replica.query("STOP SLAVE");
    await replica.query("RESET SLAVE ALL");
  },
  async catchUp(replica, primary) {
    const [row] = await primary.query("SELECT @@GLOBAL.gtid_binlog_pos AS position");
    const [waited] = await replica.query("SELECT MASTER_GTID_WAIT(?, ?) AS result", [
      row?.["position"],
      WAIT_SECONDS,
    ]);
    if (waited?.["result"] !== 0) throw new Error("the replica did not catch up");
  },
  apply: (replica, applies) => replica.query(`${applies ? "START" : "STOP"} SLAVE SQL_THREAD`).then(() => {}),
  forgetLog: (server) => server.query("RESET MASTER").then(() => {}),
};

/** @type {Replication} */
const mysql = {
  settings: [
    ...durable,
    "--log-bin=log",
    "--relay-log=relay",
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
  ],
  async follow(replica, primary) {
    await replica.query(
      "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ?, SOURCE_USER = 'root', " +
        "SOURCE_PASSWORD = ?, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 100000, SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1",
      [primary.port, primary.password],
    );
    await replica.query("START REPLICA");
  },
  refuseWrites: (server) => server.query("SET GLOBAL super_read_only = 1").then(() => {}),
  async allowWrites(server) {
    await server.query("SET GLOBAL super_read_only = 0");
    await server.query("SET GLOBAL read_only = 0");
  },
  async unfollow(replica) {
    await replica.query("STOP REPLICA");
    await replica.query("RESET REPLICA ALL");
  },
  async catchUp(replica, primary) {
    const [row] = await primary.query("SELECT @@GLOBAL.gtid_executed AS position");
    const [waited] = await replica.query("SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?) AS result", [
      row?.["position"],
      WAIT_SECONDS,
    ]);
    if (waited?.["result"] !== 0) throw new Error("the replica did not catch up");
  },
  apply: (replica, applies) =>
    replica.query(`${applies ? "START" : "STOP"} REPLICA SQL_THREAD`).then(() => {}),
  forgetLog: (server) => server.query("RESET BINARY LOGS AND GTIDS").then(() => {}),
};

/** @type {Record<import("../../scripts/servers/database-server.js").Engine, Replication>} */
export const replications = { mariadb, mysql };
