import { setImmediate as turn } from "node:timers/promises";
import type { BrokenStore, WholeStore } from "./harness.js";
import { C } from "./names.js";

/** A store that knows its ids, so that it can choose for itself what to prune. */
function knowing(sound: WholeStore): Pick<WholeStore, "insert"> & { ids: Set<string> } {
  const ids = new Set<string>();
  return {
    ids,
    insert(sessions) {
      for (const { sessionId } of sessions) ids.add(sessionId);
      return sound.insert(sessions);
    },
  };
}

export const brokenPrunes: readonly BrokenStore[] = [
  {
    name: "prunes the living",
    breakIt: (sound) => ({ prune: ({ limit }) => sound.prune({ expiredFor: -1e6, limit }) }),
    caught: [C.pruned],
  },
  {
    name: "prunes what has just expired",
    breakIt: (sound) => ({ prune: ({ limit }) => sound.prune({ expiredFor: 0, limit }) }),
    caught: [C.pruned],
  },
  {
    name: "prunes nothing",
    breakIt: () => ({ prune: async () => ({ deleted: 0, more: false }) }),
    caught: [C.pruned, C.pruneLimit, C.rejects("prune")],
  },
  {
    name: "prune ignores the limit",
    breakIt: (sound) => ({ prune: ({ expiredFor }) => sound.prune({ expiredFor, limit: 1e6 }) }),
    caught: [C.pruneLimit],
  },
  {
    name: "prune always says that there is more",
    breakIt: (sound) => ({ prune: async (options) => ({ ...(await sound.prune(options)), more: true }) }),
    caught: [C.pruned, C.pruneLimit],
  },
  {
    name: "prune never says that there is more",
    breakIt: (sound) => ({ prune: async (options) => ({ ...(await sound.prune(options)), more: false }) }),
    caught: [C.pruneLimit],
  },
  {
    name: "prune counts wrongly",
    breakIt: (sound) => ({
      prune: async (options) => ({ ...(await sound.prune(options)), deleted: 0 }),
    }),
    caught: [C.pruned, C.pruneLimit],
  },
  {
    name: "prunes what was expired when it looked",
    breakIt: (sound) => {
      const { ids, insert } = knowing(sound);
      return {
        insert,
        async prune({ expiredFor, limit }) {
          const rows = await sound.load([...ids]);
          const old = rows.filter(({ expires, now }) => expires < now - expiredFor);
          const step = old.slice(0, limit).map(({ sessionId }) => sessionId);
          await turn();
          await sound.delete(step);
          return { deleted: step.length, more: old.length > limit };
        },
      };
    },
    caught: [C.pruneRace],
  },
];
