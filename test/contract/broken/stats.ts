import type { StoreStats } from "../../../src/store.js";
import type { Break, BrokenStore, WholeStore } from "./harness.js";
import { C } from "./names.js";

function changing(change: (stats: StoreStats, sound: WholeStore) => Promise<Partial<StoreStats>>): Break {
  return (sound) => ({
    async stats() {
      const stats = await sound.stats();
      return { ...stats, ...(await change(stats, sound)) };
    },
  });
}

export const brokenStats: readonly BrokenStore[] = [
  {
    name: "counts expired rows among the living",
    breakIt: changing(async ({ alive, expired }) => ({ alive: alive + expired })),
    caught: [C.stats],
  },
  {
    name: "counts all living rows as logged in",
    breakIt: changing(async ({ alive }) => ({ loggedIn: alive })),
    caught: [C.stats],
  },
  {
    name: "counts no expired rows",
    breakIt: changing(async () => ({ expired: 0 })),
    caught: [C.stats],
  },
  {
    name: "says that it has looked at nothing",
    breakIt: changing(async () => ({ rows: 0 })),
    caught: [C.stats],
  },
  {
    name: "counts characters",
    breakIt: changing(async (_, sound) => {
      const rows = await sound.list({ limit: 10_000 });
      const sizes = rows.map(({ data }) => data?.length ?? 0).sort((one, other) => one - other);
      const nth = (percent: number) => sizes[Math.ceil((sizes.length * percent) / 100) - 1] ?? 0;
      return { bytes: { p50: nth(50), p95: nth(95), max: nth(100) } };
    }),
    caught: [C.statsBytes],
  },
  {
    name: "takes the first id for the oldest",
    breakIt: changing(async (_, sound) => ({
      oldest: (await sound.list({ limit: 1 }))[0]?.createdAt ?? null,
    })),
    caught: [C.statsBytes],
  },
];
