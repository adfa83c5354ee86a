import { SPOILINGS } from "../database/connection-state.js";
import type { Random } from "../world/random.js";
import type { Act, Settings } from "./plan.js";

/** Something of the database as a whole, or of the connections to it; `atMs`: when. */
export function disasterAct(random: Random, settings: Settings, atMs: number): Act {
  const forMs = random.pick([0, 300, 2_000, 6_000]);
  if (settings.cluster && random.chance(0.7)) return clusterAct(random, atMs);
  const roll = random.next();
  if (roll < 0.4)
    return {
      do: "spoil connections",
      atMs,
      node: random.below(settings.wrongByMs.length),
      how: random.pick(SPOILINGS),
      count: random.pick([1, 2, 10]),
      forMs: random.pick([0, 20, 1_500]),
    };
  if (roll < 0.75)
    return {
      do: "fail over",
      atMs,
      forMs,
      lossMs: random.pick([20, 200, 1_000, 5_000]),
      isRunning: random.chance(0.3),
    };
  return {
    do: "restore",
    atMs,
    forMs,
    lossMs: random.pick([3_000, 10_000, 30_000]),
    isRunning: random.chance(0.5),
  };
}

function clusterAct(random: Random, atMs: number): Act {
  const host = random.below(3);
  if (random.chance(0.2)) return { do: "proxy moves", atMs, host };
  return {
    do: random.pick(["node lags", "node lags", "node loses its cluster", "node leaves"] as const),
    atMs,
    host,
    forMs: random.pick([500, 3_000, 12_000]),
    lagMs: random.pick([50, 400, 2_500]),
  };
}
