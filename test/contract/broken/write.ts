import { setImmediate as turn } from "node:timers/promises";
import type { NewSession, WriteAttempt } from "../../../src/store.js";
import { type BrokenStore, onWhatIsThere, rowOf } from "./harness.js";
import { C } from "./names.js";

function rowFrom({ sessionId, revision, data, writers }: WriteAttempt): NewSession {
  return { sessionId, revision, data, writers, secretHash: new Uint8Array(32), client: null };
}

export const brokenWrites: readonly BrokenStore[] = [
  {
    name: "ignores the revision",
    breakIt: (sound) => ({
      async write(attempts) {
        const done: boolean[] = [];
        for (const attempt of attempts) {
          let applied = false;
          while (!applied && (await rowOf(sound, attempt.sessionId))?.data)
            applied = (await sound.write(await onWhatIsThere(sound, [attempt])))[0] ?? false;
          done.push(applied);
        }
        return done;
      },
    }),
    caught: [
      C.written,
      C.otherRevision,
      C.writeList,
      C.writeNoWait,
      C.writeRace,
      C.identityRefused,
      C.idleRefused,
    ],
  },
  {
    name: "reads first and writes then, and so loses a concurrent key",
    breakIt: (sound) => ({
      async write(attempts) {
        const rows = await sound.load(attempts.map(({ sessionId }) => sessionId));
        await turn();
        const fits = attempts.filter(({ sessionId, baseRevision }) =>
          rows.some((row) => row.sessionId === sessionId && row.revision === baseRevision),
        );
        const done = await sound.write(await onWhatIsThere(sound, fits));
        return attempts.map((attempt) => done[fits.indexOf(attempt)] ?? false);
      },
    }),
    caught: [C.writeRace],
  },
  {
    name: "upserts",
    breakIt: (sound) => ({
      async write(attempts) {
        const done = await sound.write(attempts);
        for (const [n, attempt] of attempts.entries()) {
          if (await rowOf(sound, attempt.sessionId)) continue;
          await sound.insert([rowFrom(attempt)]);
          done[n] = true;
        }
        return done;
      },
    }),
    caught: [C.noUpsert, C.staysDeleted, C.deleteRace, C.identityRefused],
  },
  {
    name: "brings expired rows back by writing",
    breakIt: (sound, setTimes) => ({
      async write(attempts) {
        for (const row of await sound.load(attempts.map(({ sessionId }) => sessionId)))
          if (row.data === null) await setTimes(row.sessionId, { expires: row.now + 60 });
        return sound.write(attempts);
      },
    }),
    caught: [C.noRevival, C.identityRefused, C.idleRefused],
  },
  {
    name: "forgets clear",
    breakIt: (sound) => ({
      async write(attempts) {
        const rows = await sound.load(attempts.map(({ sessionId }) => sessionId));
        const kept = (id: string) => rows.find(({ sessionId }) => sessionId === id)?.data ?? "{}";
        return sound.write(
          attempts.map((one) => (one.data === "{}" ? { ...one, data: kept(one.sessionId) } : one)),
        );
      },
    }),
    caught: [C.clear],
  },
  {
    name: "merges what is written into what is there",
    breakIt: (sound) => ({
      async write(attempts) {
        const merged: WriteAttempt[] = [];
        for (const one of attempts) {
          const before = JSON.parse((await rowOf(sound, one.sessionId))?.data ?? "{}");
          merged.push({ ...one, data: JSON.stringify({ ...before, ...JSON.parse(one.data) }) });
        }
        return sound.write(merged);
      },
    }),
    caught: [C.clear, C.identity, C.idleWritten],
  },
  {
    name: "names the wrong refused row",
    breakIt: (sound) => ({
      write: async (attempts) =>
        (await sound.write(attempts)).sort((one, other) => Number(other) - Number(one)),
    }),
    caught: [C.writeList],
  },
  {
    name: "writes a list all or none",
    breakIt: (sound) => ({
      async write(attempts) {
        const rows = await sound.load(attempts.map(({ sessionId }) => sessionId));
        const fit = attempts.every(({ sessionId, baseRevision }) =>
          rows.some((row) => row.sessionId === sessionId && row.revision === baseRevision),
        );
        return fit ? sound.write(attempts) : attempts.map(() => false);
      },
    }),
    caught: [C.writeList],
  },
  {
    name: "keeps the old writers",
    breakIt: (sound) => ({
      async write(attempts) {
        const rows = await sound.load(attempts.map(({ sessionId }) => sessionId));
        const old = (id: string) => rows.find(({ sessionId }) => sessionId === id)?.writers;
        return sound.write(attempts.map((one) => ({ ...one, writers: old(one.sessionId) ?? one.writers })));
      },
    }),
    caught: [C.written, C.writeWhole, C.writeRace, C.touchRace, C.identity, C.idleWritten],
  },
  {
    name: "counts a write as use",
    breakIt: (sound) => ({
      async write(attempts) {
        const done = await sound.write(attempts);
        await sound.touch(
          attempts.filter((_, n) => done[n]).map(({ sessionId }) => sessionId),
          { beginVisit: false },
        );
        return done;
      },
    }),
    caught: [C.written],
  },
  {
    name: "clips the largest revisions",
    breakIt: (sound) => ({
      write: (attempts) =>
        sound.write(attempts.map((one) => ({ ...one, revision: Math.min(one.revision, 2 ** 53 - 3) }))),
    }),
    caught: [C.largest],
  },
  {
    name: "cuts four-byte characters",
    breakIt: (sound) => ({
      write: (attempts) =>
        sound.write(attempts.map((one) => ({ ...one, data: one.data.replaceAll("😀", "?") }))),
    }),
    caught: [C.awkward, C.writeWhole],
  },
  {
    name: "tells rows of one list apart by their revisions alone",
    breakIt: (sound) => ({
      write: (attempts) => {
        const byBase = new Map(attempts.map((attempt) => [attempt.baseRevision, attempt]));
        return sound.write(
          attempts.map((attempt) => {
            const { revision, data, writers } = byBase.get(attempt.baseRevision) ?? attempt;
            return { ...attempt, revision, data, writers };
          }),
        );
      },
    }),
    caught: [C.writeWhole],
  },
  {
    name: "never knows about a list",
    breakIt: (sound) => ({
      async write(attempts) {
        const done = await sound.write(attempts);
        return attempts.length === 1 ? done : done.map(() => undefined);
      },
    }),
    caught: [C.writeWhole],
  },
  {
    name: "leaves out what may not wait",
    breakIt: (sound) => ({
      write: async (attempts, options) =>
        options?.mayWait === false ? attempts.map(() => undefined) : sound.write(attempts),
    }),
    caught: [C.writeWhole, C.writeNoWait, C.idleList],
  },
];
