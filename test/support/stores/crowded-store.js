// @ts-check
// Forces the width of writes: with TEST_BATCH_WIDTH=n no first write goes out with fewer than n rows, and the
// others of each statement are refused, because they claim another revision than the row has. So no answer
// tells, and each outcome has to be read from the row. Were one of them ever applied, the values of that
// session would be gone.
import { randomBytes } from "node:crypto";

/** @typedef {import("../../../src/store.ts").SessionStore} SessionStore */
/** @typedef {import("../../../src/store.ts").StoreFactory} StoreFactory */
/** @typedef {import("../../../src/store.ts").WriteAttempt} WriteAttempt */

/** 0 where the width is not forced. */
export const forcedWidth = Number(process.env["TEST_BATCH_WIDTH"] ?? 0);

const newRevision = () => randomBytes(6).readUIntBE(0, 6);

/** @param {WriteAttempt} attempt @returns {WriteAttempt} */
function refused({ sessionId, writers }) {
  return {
    sessionId,
    baseRevision: newRevision(),
    revision: newRevision(),
    data: '{"refused":true}',
    writers,
  };
}

/** What to give `tokenSession` in place of `db`. @param {StoreFactory} open @returns {StoreFactory} */
export function crowded(open) {
  return (settings) => {
    const store = open(settings);
    /**
     * A repeated attempt goes alone, by the rules; as many as a test can have under way. @type {Set<number>}
     */
    const sent = new Set();
    /** @param {readonly WriteAttempt[]} attempts @param {{ mayWait?: boolean }} [options] */
    async function write(attempts, options) {
      // What changes who a session belongs to goes alone too.
      if (attempts.every(({ revision, identity }) => identity || sent.has(revision)))
        return store.write(attempts, options);
      for (const { revision } of attempts) sent.add(revision);
      const others = Array.from({ length: Math.max(1, forcedWidth - attempts.length) }, (_, n) =>
        refused(/** @type {WriteAttempt} */ (attempts[n % attempts.length])),
      );
      return (await store.write([...attempts, ...others], options)).slice(0, attempts.length);
    }
    return new Proxy(store, {
      get(target, name) {
        if (name === "write") return write;
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
}

/** For programs that run the built package. @param {import("mysql2/promise").Pool} pool */
export async function builtPlaceFor(pool) {
  if (!forcedWidth) return { db: pool };
  const { MysqlStore } = await import("../../../dist/stores/mysql/mysql-store.js");
  return { store: crowded((settings) => new MysqlStore(pool, "session", settings)) };
}
