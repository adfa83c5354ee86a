import type { Pool, RowDataPacket } from "mysql2/promise";
import type { SessionRevision, UserSession } from "../../../src/store.js";
import type { Break } from "./harness.js";
import { C } from "./names.js";

/**
 * Mistakes that a store on SQL is likely to make, on a real database. `caught` is the least that must fail.
 */
export const brokenOnSql: readonly (readonly [
  name: string,
  breakIt: (pool: Pool) => Break,
  caught: readonly string[],
])[] = [
  [
    "upserts with ON DUPLICATE KEY UPDATE",
    (pool) => () => ({
      async write(attempts) {
        for (const { sessionId, data, revision, writers } of attempts)
          await pool.query(
            "insert into session (sessionId, expires, data, revision, writers) values (?, unix_timestamp() + 3600, ?, ?, ?)" +
              " on duplicate key update data = values(data), revision = values(revision), writers = values(writers)",
            [sessionId, data, revision, Buffer.from(writers)],
          );
        return attempts.map(() => true);
      },
    }),
    [C.noUpsert, C.otherRevision, C.noRevival, C.staysDeleted, C.writeList, C.writeRace],
  ],
  [
    "reads the revision first and writes then",
    (pool) => (sound) => ({
      async write(attempts) {
        const rows = await sound.load(attempts.map(({ sessionId }) => sessionId));
        const fits = attempts.map(({ sessionId, baseRevision }) =>
          rows.some((row) => row.sessionId === sessionId && row.revision === baseRevision && row.data),
        );
        for (const [n, { sessionId, data, revision, writers }] of attempts.entries())
          if (fits[n])
            await pool.query("update session set data = ?, revision = ?, writers = ? where sessionId = ?", [
              data,
              revision,
              Buffer.from(writers),
              sessionId,
            ]);
        return fits;
      },
    }),
    [C.writeRace],
  ],
  [
    "compares ids as MySQL does",
    (pool) => () => ({
      async loadRevisions(ids) {
        const [rows] = await pool.query<RowDataPacket[]>(
          "select sessionId, revision, expires, visitedAt, previousVisitAt, unix_timestamp() as now from session where sessionId in (?)",
          [ids],
        );
        return rows as SessionRevision[];
      },
    }),
    [C.revisionsExact],
  ],
  [
    "compares users as MySQL does",
    (pool) => () => ({
      async forUser(userId) {
        const [rows] = await pool.query<RowDataPacket[]>(
          "select sessionId, client, createdAt, visitedAt, previousVisitAt, expires from session" +
            " where userId = ? and expires > unix_timestamp() order by createdAt desc",
          [userId],
        );
        return rows as UserSession[];
      },
    }),
    [C.userExact],
  ],
  [
    "gives the session to its user in a second statement",
    (pool) => (sound) => ({
      async write(attempts) {
        const done = await sound.write(attempts.map(({ identity: _, ...attempt }) => attempt));
        for (const [n, { sessionId, identity }] of attempts.entries())
          if (done[n] && identity)
            await pool.query("update session set ? where sessionId = ?", [identity, sessionId]);
        return done;
      },
    }),
    [C.identityRace],
  ],
  [
    "leaves touch without its condition",
    (pool) => () => ({
      async touch(ids) {
        await pool.query(
          "update session set expires = unix_timestamp() + 3600, visitedAt = unix_timestamp() where sessionId in (?)",
          [ids],
        );
        return [];
      },
    }),
    [C.touchNoRevival, C.absolute, C.neverBack, C.newVisit],
  ],
];
