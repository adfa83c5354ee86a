// @ts-check
// The old package, made durable with the smallest change: a set is acknowledged when its own statement is
// committed.
import { serveOld } from "./old-server.js";

serveOld((session, key, value) => {
  const { db } = session;
  return new Promise((resolve, reject) => {
    // For the one statement that `set` sends before it returns.
    session.db = {
      ...db,
      query: (sql, params, done) =>
        db.query(sql, params, (error, ...rest) => {
          done(error, ...rest);
          if (error) reject(error);
          else resolve(undefined);
        }),
    };
    session.set(key, value);
    session.db = db;
  });
});
