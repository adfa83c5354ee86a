// @ts-check
// What becomes of the database server, and what its administrators do with it.
import { everywhere, repeatedly } from "./fault.js";

/** @typedef {import("./fault.js").Fault} Fault */

const MOST_CONNECTIONS = 300;
const LONGEST_IDLE_SECONDS = 28_800;

/** @param {string} name @param {"SIGTERM" | "SIGKILL"} signal @returns {Fault} */
const restart = (name, signal) => ({
  name,
  group: "server",
  seconds: [0, 1],
  begin: async ({ servers }, random) => void (await servers.primary.restart(signal, random.between(0, 4000))),
});

/**
 * @param {string} name @param {(world: import("../world.js").World, random: import("../random.js").Random) =>
 * Promise<unknown>} run @returns {Fault}
 */
const switchover = (name, run) => ({
  name,
  group: "server",
  seconds: [0, 0],
  begin: async (world, random) => void (await run(world, random)),
});

/** @type {readonly Fault[]} */
export const serverFaults = [
  {
    name: "connectionsKilled",
    group: "kill",
    seconds: [3, 6],
    begin: async ({ servers }, random) =>
      repeatedly(300, () => servers.primary.kill("CONNECTION", () => random.next() < 0.4)),
  },
  {
    name: "queriesKilled",
    group: "kill",
    seconds: [3, 6],
    begin: async ({ servers }) =>
      repeatedly(20, () => servers.primary.kill("QUERY", ({ Command }) => Command === "Query")),
  },
  {
    name: "readOnly",
    group: "server",
    seconds: [3, 14],
    async begin({ servers: { primary, replication } }) {
      await replication.refuseWrites(primary);
      return () => replication.allowWrites(primary);
    },
  },
  {
    name: "offlineMode",
    group: "server",
    engine: "mysql",
    seconds: [3, 8],
    async begin({ servers: { primary } }) {
      await primary.query("SET GLOBAL offline_mode = 1");
      return () => primary.query("SET GLOBAL offline_mode = 0");
    },
  },
  switchover("switchoverKept", ({ servers }) => servers.switchOver()),
  switchover("switchoverCut", async ({ servers }) => {
    const old = servers.primary.port;
    await servers.switchOver();
    servers.proxy.cut(old);
  }),
  switchover("switchoverAndBack", async ({ servers }, random) => {
    await servers.switchOver();
    await new Promise((resolve) => setTimeout(resolve, random.between(1000, 4000)));
    await servers.switchOver();
  }),
  restart("restart", "SIGTERM"),
  restart("crash", "SIGKILL"),
  {
    name: "connectionsFull",
    group: "server",
    seconds: [3, 6],
    async begin({ servers: { primary } }) {
      await primary.query("SET GLOBAL max_connections = 10");
      await primary.kill("CONNECTION");
      return () => primary.query(`SET GLOBAL max_connections = ${MOST_CONNECTIONS}`);
    },
  },
  {
    name: "idleFarewell",
    group: "server",
    seconds: [6, 9],
    async begin(world) {
      const { primary } = world.servers;
      await primary.query("SET GLOBAL wait_timeout = 1");
      await primary.kill("CONNECTION");
      // A process that stands still, as a suspended machine does, hears the farewell of its connections when
      // it uses them next.
      const stop = repeatedly(600, async () => {
        await everywhere(world, "leave", ["DO SLEEP(0.1)"], 10);
        await everywhere(world, "freeze", 1700);
      });
      return async () => {
        await stop();
        await primary.query(`SET GLOBAL wait_timeout = ${LONGEST_IDLE_SECONDS}`);
      };
    },
  },
];
