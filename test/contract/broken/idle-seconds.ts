import { lifeAfterTouch } from "../../../src/row/expiration.js";
import type { SessionRow, WriteAttempt } from "../../../src/store.js";
import { contractSettings } from "../../../src/testing/index.js";
import { type Break, type BrokenStore, rowOf } from "./harness.js";
import { C } from "./names.js";

const { absoluteExpiration } = contractSettings;
const lifeOf = (idleSeconds: number | null) => lifeAfterTouch(idleSeconds, contractSettings);

/** A store that sets `expires` by itself after a write that changes the idle time. */
function ending(when: (row: SessionRow, attempt: WriteAttempt) => number): Break {
  return (sound, setTimes) => ({
    async write(attempts, options) {
      const done = await sound.write(attempts, options);
      for (const [n, attempt] of attempts.entries()) {
        const row = await rowOf(sound, attempt.sessionId);
        if (!done[n] || attempt.idleSeconds === undefined || !row) continue;
        await setTimes(attempt.sessionId, { expires: when(row, attempt) });
      }
      return done;
    },
  });
}

export const brokenIdleSeconds: readonly BrokenStore[] = [
  {
    name: "forgets the idle time that insert is given",
    breakIt: (sound) => ({
      insert: (sessions) => sound.insert(sessions.map(({ idleSeconds: _, ...session }) => session)),
    }),
    caught: [C.idleInserted, C.idleTouched, C.idleLeft],
  },
  {
    name: "gives a new session with an idle time of its own the time of the others",
    breakIt: (sound, setTimes) => ({
      async insert(sessions) {
        const rows = await sound.insert(sessions);
        for (const row of rows) if (row) await setTimes(row.sessionId, { expires: row.now + lifeOf(null) });
        return rows;
      },
    }),
    caught: [C.idleInserted],
  },
  {
    name: "touches by the time of the others",
    breakIt: (sound, setTimes) => ({
      async touch(ids, options) {
        const left = await sound.touch(ids, options);
        for (const { sessionId, idleSeconds, createdAt, now } of await sound.load(ids))
          if (idleSeconds !== null)
            await setTimes(sessionId, {
              expires: Math.min(now + lifeOf(null), createdAt + absoluteExpiration),
            });
        return left;
      },
    }),
    caught: [C.idleTouched],
  },
  {
    name: "forgets the idle time that write is given",
    breakIt: (sound) => ({
      write: (attempts, options) =>
        sound.write(
          attempts.map(({ idleSeconds: _, ...attempt }) => attempt),
          options,
        ),
    }),
    caught: [C.idleWritten, C.idleAbsolute, C.idleList],
  },
  {
    name: "takes no idle time for null",
    breakIt: (sound) => ({
      write: (attempts, options) =>
        sound.write(
          attempts.map((attempt) => ({ ...attempt, idleSeconds: attempt.idleSeconds ?? null })),
          options,
        ),
    }),
    caught: [C.idleLeft, C.written],
  },
  {
    name: "moves expires only forward",
    breakIt: (sound, setTimes) => ({
      async write(attempts, options) {
        const before = await sound.load(attempts.map(({ sessionId }) => sessionId));
        const done = await sound.write(attempts, options);
        for (const [n, { sessionId, idleSeconds }] of attempts.entries()) {
          const [old, row] = [
            before.find((each) => each.sessionId === sessionId),
            await rowOf(sound, sessionId),
          ];
          if (done[n] && idleSeconds !== undefined && old && row)
            await setTimes(sessionId, { expires: Math.max(old.expires, row.expires) });
        }
        return done;
      },
    }),
    caught: [C.idleWritten, C.idleAbsolute],
  },
  {
    name: "lets an idle time go past the absolute end",
    breakIt: ending(({ now }, { idleSeconds }) => now + lifeOf(idleSeconds ?? null)),
    caught: [C.idleWritten, C.idleAbsolute],
  },
  {
    name: "writes the idle time of the first to all",
    breakIt: (sound) => ({
      write: (attempts, options) =>
        sound.write(
          attempts.map((attempt) => {
            const [first] = attempts;
            return first?.idleSeconds === undefined
              ? attempt
              : { ...attempt, idleSeconds: first.idleSeconds };
          }),
          options,
        ),
    }),
    caught: [C.idleList],
  },
  {
    name: "moves expires whatever the revision",
    breakIt: (sound, setTimes) => ({
      async write(attempts, options) {
        for (const { sessionId, idleSeconds } of attempts) {
          const row = await rowOf(sound, sessionId);
          if (row?.data && idleSeconds != null)
            await setTimes(sessionId, { expires: row.now + lifeOf(idleSeconds) });
        }
        return sound.write(attempts, options);
      },
    }),
    caught: [C.idleRefused],
  },
];
