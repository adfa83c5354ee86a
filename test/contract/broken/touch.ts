import { setImmediate as turn } from "node:timers/promises";
import { lifeAfterTouch } from "../../../src/row/expiration.js";
import { VISIT_GAP } from "../../../src/store.js";
import { attemptOn, newSession } from "../../../src/testing/fixtures.js";
import { contractSettings } from "../../../src/testing/index.js";
import { type BrokenStore, onWhatIsThere } from "./harness.js";
import { C } from "./names.js";

const { touchEvery } = contractSettings;
const life = lifeAfterTouch(null, contractSettings);

export const brokenTouches: readonly BrokenStore[] = [
  {
    name: "touch revives",
    breakIt: (sound, setTimes) => ({
      async touch(ids, options) {
        for (const { sessionId, expires, now } of await sound.load(ids))
          if (expires <= now) await setTimes(sessionId, { expires: now + 1 });
        await sound.touch(ids, options);
        return [];
      },
    }),
    caught: [C.touchNoRevival],
  },
  {
    name: "touch inserts",
    breakIt: (sound) => ({
      async touch(ids, options) {
        await sound.insert(ids.map((sessionId) => newSession({ sessionId })));
        await sound.touch(ids, options);
        return [];
      },
    }),
    caught: [C.touchNoInsert, C.staysDeleted, C.deleteRace],
  },
  {
    name: "touch does nothing",
    breakIt: () => ({ touch: async () => [] }),
    caught: [
      ...[C.touched, C.newVisit, C.noVisit, C.absolute, C.touchList, C.touchRace],
      ...[C.rejects("touch"), C.idleTouched],
    ],
  },
  {
    name: "touch changes the revision",
    breakIt: (sound) => ({
      async touch(ids, options) {
        await sound.touch(ids, options);
        const rows = (await sound.load(ids)).filter(({ data }) => data !== null);
        await sound.write(rows.map((row) => attemptOn(row, { data: row.data ?? "{}" })));
        return [];
      },
    }),
    caught: [C.touched, C.touchRace],
  },
  {
    name: "touch moves expires past the absolute end",
    breakIt: (sound, setTimes) => ({
      async touch(ids, options) {
        await sound.touch(ids, options);
        for (const { sessionId, expires, now, data } of await sound.load(ids))
          if (data !== null) await setTimes(sessionId, { expires: Math.max(expires, now + life) });
        return [];
      },
    }),
    caught: [C.absolute, C.idleTouched],
  },
  {
    name: "touch moves expires back",
    breakIt: (sound, setTimes) => ({
      async touch(ids, options) {
        await sound.touch(ids, options);
        for (const { sessionId, expires, now } of await sound.load(ids))
          if (expires > now + life) await setTimes(sessionId, { expires: now + life });
        return [];
      },
    }),
    caught: [C.neverBack, C.idleTouched],
  },
  {
    name: "touch moves expires by the idle time alone",
    breakIt: (sound, setTimes) => ({
      async touch(ids, options) {
        const before = await sound.load(ids);
        await sound.touch(ids, options);
        for (const { sessionId, expires, data } of await sound.load(ids)) {
          const old = before.find((row) => row.sessionId === sessionId)?.expires ?? 0;
          if (data !== null && expires > old) await setTimes(sessionId, { expires: expires - touchEvery });
        }
        return [];
      },
    }),
    caught: [C.touched, C.absolute, C.touchList, C.touchRace, C.idleTouched],
  },
  {
    name: "touch begins a visit whenever it is told to",
    breakIt: (sound, setTimes) => ({
      async touch(ids, options) {
        if (options.beginVisit)
          for (const { sessionId, now, visitedAt } of await sound.load(ids))
            if (visitedAt < now) await setTimes(sessionId, { visitedAt: visitedAt - VISIT_GAP });
        await sound.touch(ids, options);
        return [];
      },
    }),
    caught: [C.touched, C.newVisit],
  },
  {
    name: "touch begins a visit without being told to",
    breakIt: (sound) => ({ touch: (ids) => sound.touch(ids, { beginVisit: true }) }),
    caught: [C.noVisit],
  },
  {
    name: "touch forgets the last of a list",
    breakIt: (sound) => ({
      touch: (ids, options) => sound.touch(ids.slice(0, Math.max(1, ids.length - 1)), options),
    }),
    caught: [C.touchList, C.idleTouched],
  },
  {
    name: "touch touches everything",
    breakIt: (sound) => {
      const known: string[] = [];
      return {
        insert(sessions) {
          known.push(...sessions.map(({ sessionId }) => sessionId));
          return sound.insert(sessions);
        },
        touch: (_ids, options) => sound.touch(known, options),
      };
    },
    caught: [C.touchList],
  },
  {
    name: "touch writes the whole row back, and with it the values that it read before",
    breakIt: (sound) => ({
      async touch(ids, options) {
        const rows = (await sound.load(ids)).filter(({ data }) => data !== null);
        await turn();
        await sound.touch(ids, options);
        const old = rows.map(({ revision, ...row }) => ({
          ...attemptOn({ ...row, revision }, { revision, data: row.data ?? "{}" }),
          writers: row.writers,
        }));
        await sound.write(await onWhatIsThere(sound, old));
        return [];
      },
    }),
    caught: [C.touchRace],
  },
];
