import { setImmediate as turn } from "node:timers/promises";
import { StoreFault } from "../../../src/store.js";
import { newSession } from "../../../src/testing/fixtures.js";
import { type BrokenStore, rowOf } from "./harness.js";
import { C } from "./names.js";

export const brokenDeletes: readonly BrokenStore[] = [
  {
    name: "deletes nothing",
    breakIt: () => ({ async delete() {} }),
    caught: [
      ...[
        C.deleted,
        C.deleteMissing,
        C.staysDeleted,
        C.deleteRace,
        C.insertAgain,
        C.rejects("delete"),
        C.ofUser,
      ],
      ...[C.listed, C.counted, C.userPage, C.stats],
    ],
  },
  {
    name: "forgets one of a list",
    breakIt: (sound) => ({ delete: (ids) => sound.delete(ids.length > 2 ? ids.slice(0, -1) : ids) }),
    caught: [C.deleted],
  },
  {
    name: "deletes only the living",
    breakIt: (sound) => ({
      async delete(ids) {
        const living = (await sound.load(ids)).filter(({ data }) => data !== null);
        await sound.delete(living.map(({ sessionId }) => sessionId));
      },
    }),
    caught: [C.deleted],
  },
  {
    name: "deletes more than its list",
    breakIt: (sound) => {
      const known: string[] = [];
      return {
        insert(sessions) {
          known.push(...sessions.map(({ sessionId }) => sessionId));
          return sound.insert(sessions);
        },
        delete: (ids) => sound.delete(ids.length > 2 ? known : ids),
      };
    },
    caught: [C.deleted],
  },
  {
    name: "refuses to delete what is not there",
    breakIt: (sound) => ({
      async delete(ids) {
        if ((await sound.load(ids)).length < ids.length) throw new StoreFault("refused", "no such row");
        await sound.delete(ids);
      },
    }),
    caught: [C.deleteMissing],
  },
  {
    name: "gives up at the first that is not there",
    breakIt: (sound) => ({
      async delete(ids) {
        for (const id of ids) {
          if (!(await rowOf(sound, id))) return;
          await sound.delete([id]);
        }
      },
    }),
    caught: [C.deleteMissing],
  },
  {
    name: "writes back what was deleted while it wrote",
    breakIt: (sound) => ({
      async write(attempts) {
        const rows = await sound.load(attempts.map(({ sessionId }) => sessionId));
        const done = await sound.write(attempts);
        await turn();
        for (const { sessionId, ...row } of rows)
          if (!(await rowOf(sound, sessionId)))
            await sound.insert([newSession({ sessionId, ...{ data: row.data ?? "{}" } })]);
        return done;
      },
    }),
    caught: [C.deleteRace],
  },
];
