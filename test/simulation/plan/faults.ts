import type { Weather } from "../database/weather.js";
import type { Random } from "../world/random.js";
import { disasterAct, strains } from "./disasters.js";
import type { Act, Settings } from "./plan.js";

/** Something that goes wrong at some time, for some time. */
export function faultAct(random: Random, settings: Settings, endMs: number): Act {
  const atMs = random.between(500, endMs);
  const forMs = random.pick([200, 1_000, 3_000, 8_000, 20_000]);
  const node = random.below(settings.wrongByMs.length);
  if (random.chance(settings.cluster ? 0.4 : 0.2)) return disasterAct(random, settings, atMs);
  const roll = random.next();
  if (roll < 0.45) return { do: "database weather", atMs, forMs, change: databaseWeather(random) };
  if (roll < 0.55) return { do: "crash", atMs, node, forMs: random.pick([0, 100, 3_000]) };
  if (roll < 0.62) return { do: "pause", atMs, node, forMs: random.pick([500, 5_000, 40_000, 120_000]) };
  if (roll < 0.68) return { do: "cut pool", atMs, node };
  if (roll < 0.74) return { do: "lock rows", atMs, share: 0.7, forMs: random.pick([100, 1_000, 6_000]) };
  if (roll < 0.8)
    return { do: "switch over", atMs, forMs: random.pick([0, 500, 4_000]), oldStays: random.chance(0.6) };
  if (roll < 0.88)
    return {
      do: "network weather",
      atMs,
      forMs,
      change: { slow: 0.1, slowMs: 4_000, cut: random.pick([0, 0.02]) },
    };
  if (roll < 0.92) return { do: "cut lines", atMs, share: random.pick([0.3, 1]) };
  if (roll < 0.97) return { do: "bus weather", atMs, forMs, change: busWeather(random) };
  if (roll < 0.985) return { do: random.chance(0.7) ? "edit rows" : "delete rows", atMs, share: 0.5 };
  return { do: "database clock", atMs, byMs: random.pick([-3_000, -500, 500, 3_000]) };
}

function databaseWeather(random: Random): Partial<Weather> {
  const often = random.pick([0.05, 0.2, 0.5]);
  return random.pick<Partial<Weather>>([
    { cutAfter: often },
    { cutBefore: often },
    { cutDuring: often, lateMs: random.pick([100, 1_500, 6_000]) },
    { cutAfter: often / 2, cutDuring: often / 2, cutBefore: often / 2 },
    { silent: often / 2 },
    { deadlock: often },
    { refused: often },
    { unclear: often },
    { lie: often * 1.5 },
    { lag: random.pick([0.3, 1]), lagMs: 1_200 },
    // What waits meanwhile goes out in one statement, of which more can be told than of one row.
    { way: [0, 30], work: [0, 30], lie: often },
    { way: [0, 200], work: [0, 800], lie: often, cutAfter: often / 4 },
    { way: [0, 50], work: [100, 400], lie: 0.5, cutAfter: often, deadlock: often / 2 },
    { lag: 0.5, lagMs: 1_000, cutAfter: often },
    ...strains(random),
  ]);
}

function busWeather(random: Random) {
  return random.pick([
    { lost: 0.5 },
    { doubled: 0.5, slow: 0.3, slowMs: 3_000 },
    { slow: 0.8, slowMs: 6_000 },
    { isAway: true },
  ]);
}
