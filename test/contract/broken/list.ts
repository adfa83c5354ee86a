import type { SessionRow } from "../../../src/store.js";
import type { Break, BrokenStore } from "./harness.js";
import { C } from "./names.js";

function changing(change: (rows: SessionRow[], limit: number) => SessionRow[]): Break {
  return (sound) => ({
    list: async (options) => change(await sound.list(options), options.limit),
  });
}

export const brokenLists: readonly BrokenStore[] = [
  {
    name: "lists the newest first",
    breakIt: changing((rows) => rows.reverse()),
    caught: [C.listed, C.listAfter],
  },
  {
    name: "begins each page with the last of the one before",
    breakIt: (sound) => {
      let before: SessionRow | undefined;
      return {
        async list({ after, limit }) {
          const again = after !== undefined && before?.sessionId === after ? [before] : [];
          const rows = [...again, ...(await sound.list({ after, limit: limit - again.length }))];
          before = rows.at(-1);
          return rows;
        },
      };
    },
    caught: [C.listed, C.listAfter],
  },
  {
    name: "leaves out the last of a full page",
    breakIt: changing((rows, limit) => (rows.length === limit ? rows.slice(0, -1) : rows)),
    caught: [C.listed, C.listAfter, C.listFacts],
  },
  {
    name: "looks for the row that a page begins behind",
    breakIt: (sound) => ({
      async list({ after, limit }) {
        if (after !== undefined && (await sound.load([after])).length === 0) return [];
        return sound.list({ after, limit });
      },
    }),
    caught: [C.listAfter],
  },
  {
    name: "lists what has expired",
    breakIt: (sound) => {
      const inserted: string[] = [];
      return {
        async insert(sessions) {
          inserted.push(...sessions.map(({ sessionId }) => sessionId));
          return sound.insert(sessions);
        },
        async list({ after = "", limit }) {
          const rows = (await sound.load(inserted)).filter(({ sessionId }) => sessionId > after);
          return rows.sort((one, other) => (one.sessionId < other.sessionId ? -1 : 1)).slice(0, limit);
        },
      };
    },
    caught: [C.listed],
  },
  {
    name: "lists without values",
    breakIt: changing((rows) => rows.map((row) => ({ ...row, data: "{}" }))),
    caught: [C.listFacts],
  },
  {
    name: "lists without users",
    breakIt: changing((rows) => rows.map((row) => ({ ...row, userId: null }))),
    caught: [C.listFacts],
  },
  {
    name: "counts one page",
    breakIt: (sound) => ({ count: async () => (await sound.list({ limit: 10 })).length }),
    caught: [C.counted],
  },
  {
    name: "keeps the rows that list gave",
    breakIt: (sound) => {
      const given = new Map<string, Pick<SessionRow, "revision" | "secretHash">>();
      return {
        async list(options) {
          const rows = await sound.list(options);
          for (const { sessionId, revision, secretHash } of rows)
            if (!given.has(sessionId)) given.set(sessionId, { revision, secretHash });
          return rows;
        },
        load: async (ids) =>
          (await sound.load(ids)).map((row) => {
            const own = given.get(row.sessionId);
            return own?.revision === row.revision ? { ...row, secretHash: own.secretHash } : row;
          }),
      };
    },
    caught: [C.sharedList],
  },
];
