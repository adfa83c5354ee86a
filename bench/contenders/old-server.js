// @ts-check
// socket.io-mysql-session as its README says, with a pool in place of its one connection so that all have the
// same.
import oldSession from "socket.io-mysql-session";
import { serve } from "./serve.js";

/** @typedef {import("socket.io-mysql-session").Session} Session */
/** @typedef {(error: unknown, ...rest: unknown[]) => void} Done */

/**
 * @param {(session: Session, key: string, value: unknown) => unknown} set how a set is done, perhaps until it
 * is durable
 */
export function serveOld(set) {
  serve(({ io, pool }) => {
    let underWay = 0;
    /** @type {(() => void) | undefined} */
    let settled;
    // It does not wait for its own statements, so we count them: its backlog must not run while another is
    // measured.
    const db = {
      format: pool.format.bind(pool),
      query(/** @type {string} */ sql, /** @type {unknown[]} */ params, /** @type {Done} */ done) {
        underWay += 1;
        pool.query(sql, params, (error, ...rest) => {
          underWay -= 1;
          // It takes `undefined` results for a failure and does not say which to anybody.
          if (error) console.error(`old: ${error.message}`);
          done(error, ...rest);
          if (underWay === 0) settled?.();
        });
      },
    };
    io.use(/** @type {any} */ (oldSession({ db })));
    io.on("connection", (socket) => {
      const session = /** @type {Session} */ (/** @type {any} */ (socket).session);
      socket.on("set", async ({ key, value }, done) => {
        await set(session, key, value);
        done({ ok: true });
      });
      socket.on("get", (key, done) => done(session.get(key)));
    });
    const idle = () =>
      new Promise((resolve) => {
        settled = () => resolve(undefined);
        if (underWay === 0) settled();
      });
    return { answers: { idle }, close: idle };
  });
}
