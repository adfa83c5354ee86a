import { spoil } from "../database/connection-state.js";
import type { Host } from "../database/database.js";
import type { World } from "../world/world.js";
import type { Act } from "./plan.js";

type Of<What extends Act["do"]> = Extract<Act, { do: What }>;

/** The database comes back without what was committed last. */
export function loseCommits(
  world: World,
  act: Of<"fail over" | "restore">,
  over: (run: () => void) => void,
): void {
  const { database, timeline, count } = world;
  if (database.cluster) return;
  count(act.do);
  if (act.do === "fail over") {
    const old = database.switchOver({ oldStays: false });
    if (!act.isRunning) cutPools(world, old);
    database.primary.isUp = false;
    over(() => {
      database.primary.isUp = true;
    });
  } else if (!act.isRunning) {
    const { primary } = database;
    primary.isUp = false;
    cutPools(world, primary);
    over(() => {
      primary.isUp = true;
    });
  }
  database.loseSince(timeline.nowMs - act.lossMs);
}

export function troubleNode(
  world: World,
  act: Of<"node lags" | "node loses its cluster" | "node leaves">,
  over: (run: () => void) => void,
): void {
  const { database, count, timeline } = world;
  const host = database.cluster?.hosts[act.host];
  if (!host) return;
  count(act.do);
  // What it has by now it keeps.
  database.rowsOn(host);
  if (act.do === "node lags") {
    host.lagMs = act.lagMs;
    return over(() => {
      host.lagMs = 0;
    });
  }
  if (act.do === "node leaves") host.isUp = false;
  else if (database.cluster?.kind === "galera") host.isPrimary = false;
  else host.isReadOnly = true;
  if (act.do === "node leaves") cutPools(world, host);
  // What the others commit meanwhile does not come through.
  host.lagMs = Number.POSITIVE_INFINITY;
  over(() => {
    Object.assign(host, { isUp: true, isPrimary: true, isReadOnly: false, lagMs: 0 });
    host.appliedAtMs = timeline.nowMs;
  });
}

export function spoilConnections(world: World, act: Of<"spoil connections">): void {
  const { database, count, timeline } = world;
  const node = world.nodes[act.node];
  if (!node?.isUp) return;
  const { pool, process } = node;
  const { engine } = database;
  process.receive(0, "takes connections", () => {
    for (let n = act.count; n > 0; n--)
      pool.getConnection((error, connection) => {
        if (error || !connection) return;
        process.receive(act.forMs, "gives a connection back", () => {
          if (connection.isClosed) return connection.release();
          // Where the first that the product sees all have a time of their own, that is the time (tests do so).
          if (act.how === "its own time" && !pool.hasBeenUsed) return connection.release();
          count(`connection left ${act.how}`);
          spoil(connection.state, act.how, { engine, nowMs: timeline.nowMs, time: database.time });
          if (connection.state.transaction) database.open.add(connection.state);
          connection.release();
        });
      });
  });
}

function cutPools({ nodes }: Pick<World, "nodes">, of: Host): void {
  for (const { process, pool } of nodes)
    process.receive(0, "pool cut", () => pool.cut(({ host }) => host === of));
}
