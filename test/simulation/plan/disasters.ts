import { SPOILINGS } from "../database/connection-state.js";
import type { Weather } from "../database/weather.js";
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
      how: random.pick([...SPOILINGS, "in a transaction"] as const),
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
    do: random.pick([
      "node lags",
      "node lags",
      "node lags",
      "node loses its cluster",
      "node leaves",
    ] as const),
    atMs,
    host,
    forMs: random.pick([1_000, 6_000, 20_000]),
    lagMs: random.pick([50, 400, 2_500]),
  };
}

/** Several at a time: what one of them leaves open is decided wrongly where another one follows. */
export function strains(random: Random): Partial<Weather>[] {
  const often = random.pick([0.2, 0.5]);
  return [
    { errors: often, errorsOf: ["not applied"] },
    { errors: often, errorsOf: ["unknown"] },
    { errors: often / 2, errorsOf: ["refused"] },
    { errors: often, errorsOf: ["not applied", "unknown", "refused"] },
    // An answer that does not tell, a row that is read too early, and a refusal at last.
    { way: [0, 30], work: [0, 30], lie: 0.5, lag: 0.5, lagMs: 1_000, errors: often, errorsOf: ["refused"] },
    { cutDuring: often, lateMs: 4_000, errors: 0.3, errorsOf: ["refused"] },
    { cutDuring: often, lateMs: 4_000, errors: 0.5, errorsOf: ["not applied"] },
    // So slow that time is up on the way.
    { way: [300, 4_000], cutAfter: 0.1 },
    { way: [0, 1_500], work: [0, 1_500], errors: often, errorsOf: ["not applied"] },
  ];
}
