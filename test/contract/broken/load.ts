import type { SessionRevision } from "../../../src/store.js";
import { attemptOn } from "../../../src/testing/fixtures.js";
import type { BrokenStore } from "./harness.js";
import { rowOf } from "./harness.js";
import { C } from "./names.js";

const trimmed = (ids: readonly string[]) => ids.map((id) => id.trimEnd());
const lowered = (ids: readonly string[]) => ids.map((id) => id.toLowerCase());

export const brokenLoads: readonly BrokenStore[] = [
  {
    name: "loads the expired",
    breakIt: (sound, setTimes) => ({
      async load(ids) {
        const rows = await sound.load(ids);
        for (const [n, row] of rows.entries()) {
          if (row.data !== null) continue;
          await setTimes(row.sessionId, { expires: row.now + 60 });
          rows[n] = { ...row, data: (await rowOf(sound, row.sessionId))?.data ?? null };
          await setTimes(row.sessionId, { expires: row.expires });
        }
        return rows;
      },
    }),
    caught: [C.loadExpired, C.noRevival, C.touchNoRevival, C.identityRefused, C.idleRefused],
  },
  {
    name: "takes the last second for life",
    breakIt: (sound, setTimes) => ({
      async load(ids) {
        const rows = await sound.load(ids);
        for (const [n, row] of rows.entries()) {
          if (row.expires !== row.now) continue;
          await setTimes(row.sessionId, { expires: row.now + 60 });
          rows[n] = { ...row, data: (await rowOf(sound, row.sessionId))?.data ?? null };
          await setTimes(row.sessionId, { expires: row.expires });
        }
        return rows;
      },
    }),
    caught: [C.loadExpired],
  },
  {
    name: "matches by PAD SPACE",
    breakIt: (sound) => ({ load: (ids) => sound.load(trimmed(ids)) }),
    caught: [C.loadExact],
  },
  {
    name: "matches without regard to case",
    breakIt: (sound) => ({ load: (ids) => sound.load(lowered(ids)) }),
    caught: [C.loadExact],
  },
  {
    name: "loads only the first of a list",
    breakIt: (sound) => ({ load: async (ids) => (await sound.load(ids)).slice(0, 1) }),
    caught: [C.loadLeavesOut, C.pruneLimit],
  },
  {
    name: "gives a row for what is not there",
    breakIt: (sound) => ({
      async load(ids) {
        const rows = await sound.load(ids);
        return ids.map(
          (id) =>
            rows.find(({ sessionId }) => sessionId === id) ?? {
              sessionId: id,
              ...{ expires: 0, data: null, secretHash: null, client: null, revision: 0 },
              ...{ nextHash: null, previousHash: null, userId: null },
              ...{
                writers: new Uint8Array(),
                createdAt: 0,
                visitedAt: 0,
                previousVisitAt: 0,
                now: 1,
                idleSeconds: null,
              },
            },
        );
      },
    }),
    caught: [
      ...[
        C.loadLeavesOut,
        C.loadExact,
        C.noUpsert,
        C.touchNoInsert,
        C.deleted,
        C.deleteMissing,
        C.identityRefused,
      ],
      ...[C.staysDeleted, C.deleteRace, C.pruned, C.pruneLimit, C.noEffect],
    ],
  },
  {
    name: "tells milliseconds",
    breakIt: () => ({ now: () => Date.now() }),
    caught: [C.now],
  },
];

export const brokenRevisions: readonly BrokenStore[] = [
  {
    name: "brings stale revisions",
    breakIt: (sound) => {
      const seen = new Map<string, SessionRevision>();
      return {
        async loadRevisions(ids) {
          for (const row of await sound.loadRevisions(ids))
            if (!seen.has(row.sessionId)) seen.set(row.sessionId, row);
          return ids.flatMap((id) => seen.get(id) ?? []);
        },
      };
    },
    caught: [C.sameFacts],
  },
  {
    name: "loads whole rows for revisions",
    breakIt: (sound) => ({ loadRevisions: (ids) => sound.load(ids) }),
    caught: [C.noValues],
  },
  {
    name: "brings no expired revisions",
    breakIt: (sound) => ({
      loadRevisions: async (ids) =>
        (await sound.loadRevisions(ids)).filter(({ expires, now }) => expires > now),
    }),
    caught: [C.expiredToo],
  },
  {
    name: "brings revisions of all rows",
    breakIt: (sound) => {
      const known = new Set<string>();
      return {
        insert(sessions) {
          for (const { sessionId } of sessions) known.add(sessionId);
          return sound.insert(sessions);
        },
        loadRevisions: () => sound.loadRevisions([...known]),
      };
    },
    caught: [C.staysDeleted, C.sameFacts, C.noValues, C.expiredToo, C.revisionsLeaveOut, C.revisionsExact],
  },
  {
    name: "matches revisions by PAD SPACE",
    breakIt: (sound) => ({ loadRevisions: (ids) => sound.loadRevisions(trimmed(ids)) }),
    caught: [C.revisionsExact],
  },
  {
    name: "matches revisions without regard to case",
    breakIt: (sound) => ({ loadRevisions: (ids) => sound.loadRevisions(lowered(ids)) }),
    caught: [C.revisionsExact],
  },
  {
    name: "writes while it compares",
    breakIt: (sound) => ({
      async loadRevisions(ids) {
        const rows = await sound.load(ids);
        await sound.write(rows.map((row) => attemptOn(row)));
        return sound.loadRevisions(ids);
      },
    }),
    caught: [C.sameFacts, C.sharedRevisions],
  },
];
