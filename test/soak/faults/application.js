// @ts-check
// What the application does to the connections that it shares with the library.
import { pause } from "../world.js";
import { everywhere, repeatedly } from "./fault.js";

/** @typedef {import("./fault.js").Fault} Fault */

/** Connections that it leaves so, of a pool of 10. */
const SOME = 4;
const ALL = 10;
/** How far behind reads are, at most; below the time for which a process looks again. */
const LAG_MS = 700;

/** @param {string} name @param {string[]} sql @param {string} undo @returns {Fault} */
const left = (name, sql, undo) => ({
  name,
  group: "pool",
  seconds: [3, 6],
  async begin(world) {
    await everywhere(world, "leave", sql, SOME);
    return () => everywhere(world, "leave", [undo], ALL);
  },
});

/** @type {readonly Fault[]} */
export const applicationFaults = [
  {
    name: "readUncommitted",
    group: "pool",
    seconds: [12, 16],
    async begin(world) {
      await everywhere(world, "leave", ["SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"], ALL);
      // Some writes take longer than anybody waits, and are killed before they are committed: who reads them
      // meanwhile reads what never was.
      await world.servers.primary.query(
        "CREATE TRIGGER soak.slow AFTER UPDATE ON soak.session FOR EACH ROW DO SLEEP(IF(RAND() < 0.02, 9, 0))",
      );
      const isSlow = (/** @type {import("../server.js").Row} */ { Info, Time }) =>
        /^update /i.test(Info ?? "") && Time >= 6;
      const stop = repeatedly(300, () => world.servers.primary.kill("CONNECTION", isSlow));
      return async () => {
        await stop();
        await world.servers.primary.query("DROP TRIGGER soak.slow");
        await everywhere(world, "leave", ["SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"], ALL);
      };
    },
  },
  left("forgottenTransaction", ["START TRANSACTION", "INSERT INTO work (note) VALUES (1)"], "ROLLBACK"),
  left("oldSnapshot", ["START TRANSACTION", "SELECT COUNT(*) FROM session"], "ROLLBACK"),
  left("selectLimit", ["SET SESSION sql_select_limit = 1"], "SET SESSION sql_select_limit = DEFAULT"),
  left("clockBack", ["SET timestamp = UNIX_TIMESTAMP() - 3600"], "SET timestamp = DEFAULT"),
  left("clockAhead", ["SET timestamp = UNIX_TIMESTAMP() + 600"], "SET timestamp = DEFAULT"),
  {
    name: "poolStarved",
    group: "pool",
    seconds: [3, 12],
    async begin(world) {
      await everywhere(world, "starve");
      return () => everywhere(world, "feed");
    },
  },
  {
    name: "readsLag",
    group: "server",
    seconds: [4, 8],
    async begin(world, random) {
      const { replica, replication, access } = await withoutRotations(world);
      await replication.allowWrites(replica);
      world.lagging = true;
      await everywhere(world, "lag", {
        access: { ...access, port: replica.port },
        share: random.between(0.2, 0.9),
      });
      const stop = repeatedly(200, async () => {
        await replication.apply(replica, false);
        await pause(LAG_MS);
        await replication.apply(replica, true);
      });
      return async () => {
        await everywhere(world, "lag");
        await stop();
        await replication.refuseWrites(replica);
        // Reads that have begun may still come in.
        await pause(LAG_MS);
        world.lagging = false;
        world.keepsTokens = false;
      };
    },
  },
];

/**
 * What replicas know of who may open what is true, and stays so. @param {import("../world.js").World} world
 */
async function withoutRotations(world) {
  world.keepsTokens = true;
  while (world.rotating > 0 && !world.over) await pause(50);
  await world.servers.replication.catchUp(world.servers.replica, world.servers.primary);
  return world.servers;
}
