import { setImmediate as turn } from "node:timers/promises";
import type { BrokenStore } from "./harness.js";
import { rowOf } from "./harness.js";
import { C } from "./names.js";

export const brokenInserts: readonly BrokenStore[] = [
  {
    name: "overwrites",
    breakIt: (sound) => ({
      async insert(sessions) {
        await sound.delete(sessions.map(({ sessionId }) => sessionId));
        return sound.insert(sessions);
      },
    }),
    caught: [C.noOverwrite, C.insertList],
  },
  {
    name: "gives the id of an expired row away",
    breakIt: (sound) => ({
      async insert(sessions) {
        const rows = await sound.load(sessions.map(({ sessionId }) => sessionId));
        const expired = rows.filter(({ data }) => data === null);
        await sound.delete(expired.map(({ sessionId }) => sessionId));
        return sound.insert(sessions);
      },
    }),
    caught: [C.noOverwrite],
  },
  {
    name: "looks first and inserts then",
    breakIt: (sound) => ({
      async insert(sessions) {
        const ids = sessions.map(({ sessionId }) => sessionId);
        const taken = new Set((await sound.load(ids)).map(({ sessionId }) => sessionId));
        await turn();
        const free = sessions.filter(({ sessionId }) => !taken.has(sessionId));
        await sound.delete(free.map(({ sessionId }) => sessionId));
        const inserted = await sound.insert(free);
        return sessions.map((session) => inserted[free.indexOf(session)] ?? null);
      },
    }),
    caught: [C.insertRace],
  },
  {
    name: "names the wrong taken id",
    breakIt: (sound) => ({
      insert: async (sessions) =>
        (await sound.insert(sessions)).sort((one, other) => Number(one === null) - Number(other === null)),
    }),
    caught: [C.insertList],
  },
  {
    name: "forgets what the client said",
    breakIt: (sound) => ({
      insert: (sessions) => sound.insert(sessions.map((session) => ({ ...session, client: null }))),
    }),
    caught: [C.inserted, C.sharedInsert],
  },
  {
    name: "forgets what was deleted only half, so that the id stays taken",
    breakIt: (sound) => {
      const taken = new Set<string>();
      return {
        insert: async (sessions) =>
          sessions.some(({ sessionId }) => taken.has(sessionId))
            ? sessions.map(() => null)
            : sound.insert(sessions),
        async delete(ids) {
          for (const id of ids) taken.add(id);
          await sound.delete(ids);
        },
      };
    },
    caught: [C.insertAgain],
  },
  {
    name: "gives a new row the times of a deleted one",
    breakIt: (sound, setTimes) => {
      const old = new Map<string, { createdAt: number; visitedAt: number }>();
      return {
        async insert(sessions) {
          const rows = await sound.insert(sessions);
          for (const { sessionId } of sessions) {
            const times = old.get(sessionId);
            if (times) await setTimes(sessionId, times);
          }
          return rows;
        },
        async delete(ids) {
          for (const id of ids) {
            const row = await rowOf(sound, id);
            if (row) old.set(id, { createdAt: row.createdAt, visitedAt: row.visitedAt });
          }
          await sound.delete(ids);
        },
      };
    },
    caught: [C.insertAgain],
  },
];
