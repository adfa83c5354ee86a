import type { Identity, NewSession, SessionRow, SessionStore } from "../../../src/store.js";
import type { BrokenStore, WholeStore } from "./harness.js";
import { C } from "./names.js";

type Method = Exclude<
  keyof SessionStore,
  "now" | "check" | "adopt" | "adoptsCookies" | "concurrency" | "shared" | "statementBytes"
>;
const empty: Record<Method, unknown> = {
  load: [],
  insert: [null],
  write: [false],
  touch: [],
  delete: undefined,
  loadRevisions: [],
  forUser: [],
  list: [],
  count: 0,
  stats: {
    alive: 0,
    expired: 0,
    loggedIn: 0,
    bytes: { p50: 0, p95: 0, max: 0 },
    oldest: null,
    sampled: false,
    rows: 0,
  },
  prune: { deleted: 0, more: false },
};

/** A store whose method answers emptily, or with an error of its own, where it could not reach its rows. */
function swallowing(method: Method, instead: () => unknown): BrokenStore["breakIt"] {
  return (sound) => {
    const run = sound[method] as (...args: unknown[]) => Promise<unknown>;
    return { [method]: (...args: unknown[]) => run(...args).catch(instead) };
  };
}

export const swallowsErrors: readonly BrokenStore[] = (Object.keys(empty) as Method[]).map((method) => ({
  name: `swallows the errors of ${method}`,
  breakIt: swallowing(method, () => empty[method]),
  caught: [C.rejects(method)],
}));

export const otherBreaks: readonly BrokenStore[] = [
  {
    name: "rejects with errors of its driver",
    breakIt: swallowing("load", () => Promise.reject(new Error("ECONNREFUSED"))),
    caught: [C.rejects("load")],
  },
  {
    name: "finds everything well while it is away",
    breakIt: () => ({ async check() {} }),
    caught: [C.rejects("check")],
  },
  {
    name: "says not-applied, and applies it later",
    breakIt: (sound) => {
      const late: (() => Promise<unknown>)[] = [];
      return {
        write: (attempts) =>
          sound.write(attempts).catch((fault) => {
            late.push(() => sound.write(attempts));
            throw fault;
          }),
        async load(ids) {
          const rows = await sound.load(ids);
          for (const run of late.splice(0)) await run();
          return late.length === 0 ? sound.load(ids) : rows;
        },
      };
    },
    caught: [C.noEffect],
  },
];

type Shared = Pick<SessionRow, "writers" | "client"> & Partial<Identity>;

/** A store that keeps the very bytes and objects that it is given, and hands them out. */
function sharing(sound: WholeStore, of: "given" | "handed out" | "written"): Partial<SessionStore> {
  const shared = new Map<string, Shared>();
  const inPlace = (row: SessionRow): SessionRow => {
    const own = shared.get(row.sessionId);
    if (own) return { ...row, ...own };
    if (of === "handed out") {
      const { secretHash, writers, client } = row;
      shared.set(row.sessionId, { secretHash, writers, client });
    }
    return row;
  };
  const forget = (ids: readonly string[]) => {
    for (const id of ids) shared.delete(id);
  };
  return {
    async insert(sessions: readonly NewSession[]) {
      const rows = await sound.insert(sessions);
      for (const [n, { sessionId, secretHash, writers, client }] of sessions.entries())
        if (rows[n] && of === "given") shared.set(sessionId, { secretHash, writers, client });
      return rows;
    },
    load: async (ids) => (await sound.load(ids)).map(inPlace),
    async write(attempts) {
      const done = await sound.write(attempts);
      for (const [n, { sessionId, writers, identity }] of attempts.entries()) {
        const own = shared.get(sessionId);
        if (!done[n]) continue;
        if (own) shared.set(sessionId, { ...own, writers, ...identity });
        else if (of === "written") {
          const [row] = await sound.load([sessionId]);
          if (row) shared.set(sessionId, { secretHash: row.secretHash, client: row.client, writers });
        }
      }
      return done;
    },
    async delete(ids) {
      forget(ids);
      await sound.delete(ids);
    },
  };
}

export const sharesObjects: readonly BrokenStore[] = [
  {
    name: "keeps the objects that insert is given",
    breakIt: (sound) => sharing(sound, "given"),
    caught: [C.sharedInsert, C.sharedLoad, C.sharedWrite],
  },
  {
    name: "hands out shared objects",
    breakIt: (sound) => sharing(sound, "handed out"),
    caught: [C.sharedLoad, C.sharedWrite],
  },
  {
    name: "keeps the bytes that write is given",
    breakIt: (sound) => sharing(sound, "written"),
    caught: [C.sharedWrite, C.sharedLoad],
  },
];
