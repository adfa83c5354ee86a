import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { PoolConnection } from "mysql2/promise";
import { expiresAfterTouch, type Lives } from "../../../src/row/expiration.js";
import { LONGEST } from "../../../src/store.js";
import type { SqlText } from "../../../src/stores/mysql/lent-connection.js";
import { expiresNext, touchMany, writeOne, writeOneUnlocked } from "../../../src/stores/mysql/writes.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";

// When a session ends is decided twice: here, and by the database in the statement that writes it. Both must
// say the same, to the second.

let database: TestDatabase;
let connection: PoolConnection;
beforeAll(async () => {
  database = await createTestDatabase();
  connection = await database.pool.getConnection();
});
afterAll(async () => {
  // Not to the pool: its clock stands still.
  connection.destroy();
  await database.drop();
});

const seconds = (min: number, max = LONGEST) =>
  fc.oneof(fc.integer({ min, max: Math.min(max, min + 20) }), fc.integer({ min, max }));
/** As `tokenSession()` takes them. */
const lives: fc.Arbitrary<Lives> = seconds(10).chain((expiration) =>
  fc.record({
    expiration: fc.constant(expiration),
    touchEvery: seconds(1, Math.floor(expiration / 4)),
    absoluteExpiration: seconds(1),
  }),
);
const idleSeconds = fc.option(seconds(0));
const row = fc.record({ idleSeconds, nextIdleSeconds: idleSeconds, age: seconds(0, 100_000_000) });

interface Row {
  readonly sessionId: string;
  readonly createdAt: number;
  readonly idleSeconds: number | null;
  readonly expires: number;
}

const run = ({ sql, parameters }: SqlText) => connection.query(sql, [...parameters]);

async function rows(): Promise<Row[]> {
  const [found] = await connection.query(
    "select sessionId, createdAt, idleSeconds, expires from session order by sessionId",
  );
  return found as Row[];
}

test("the database says of each row that is touched, or whose idle time changes, when it ends, as our code does", async () => {
  const property = fc.asyncProperty(
    lives,
    fc.integer({ min: 1_500_000_000, max: 2_000_000_000 }),
    fc.boolean(),
    fc.array(row, { minLength: 1, maxLength: 20 }),
    async (lives, now, logsStatements, given) => {
      const server = {
        engine: "mariadb",
        logsStatements,
        packetBytes: 1e6,
        guard: "",
        cluster: undefined,
      } as const;
      await connection.query("delete from session");
      await connection.query("set timestamp = ?", [now]);
      await connection.query(
        "insert into session (sessionId, createdAt, idleSeconds, expires, data) values ?",
        [
          given.map(({ idleSeconds, age }) => [
            randomBytes(16).toString("hex"),
            now - age,
            idleSeconds,
            now + 1,
            "{}",
          ]),
        ],
      );
      const before = await rows();
      await run(
        touchMany(
          "session",
          before.map(({ sessionId }) => sessionId),
          { next: expiresNext(lives) },
          server,
        ),
      );
      const touched = await rows();
      // A touch moves nothing back.
      const afterTouch = before.map((each) => Math.max(now + 1, expiresAfterTouch(each, now, lives)));
      expect(touched.map(({ expires }) => expires)).toEqual(afterTouch);

      const written = touched.map((each, n) => ({ ...each, idleSeconds: given[n]?.nextIdleSeconds ?? null }));
      for (const [n, { sessionId, idleSeconds }] of written.entries()) {
        const attempt = {
          sessionId,
          baseRevision: 0,
          revision: 1,
          data: "{}",
          writers: new Uint8Array(16),
          idleSeconds,
        };
        const write = n % 2 === 0 ? writeOne : writeOneUnlocked;
        await run(write("session", attempt, lives, server));
      }
      expect(await rows()).toEqual(
        written.map((each) => ({ ...each, expires: expiresAfterTouch(each, now, lives) })),
      );
    },
  );
  await fc.assert(property, { numRuns: 100 });
});
