import { afterEach, describe, expect, test } from "@jest/globals";
import { createPool } from "mysql2";
import { TIME_IS_RIGHT } from "../../../src/stores/mysql/session-time.js";
import { poolOptions } from "../../support/database/database.js";
import { describeWithMovedDatabase, type MovedDatabase } from "../../support/database/moved-database.js";
import { addApp } from "../../support/http/http-apps.js";
import { startNodeProcess } from "../../support/processes/node-process.js";
import { type Rig, startRig } from "../../support/servers/rig.js";
import { gotToken, next, type TestServerOptions } from "../../support/servers/server.js";

// Clocks that jump, and the hour that comes twice: real servers whose clock a test moves.

const HOUR = 3600;
const EXPIRATION = 1800;
/** How long a row lives from its insert on: use is written so much seldomer. */
const LIFE = EXPIRATION + EXPIRATION / 24;
const SECRET = "a secret of at least 32 characters";
const rigs: Rig[] = [];
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function rig(given: TestServerOptions): Promise<Rig> {
  const options = { expiration: EXPIRATION, revalidate: 1, prune: false, ...given.options };
  const started = await startRig({ ...given, options });
  rigs.push(started);
  return started;
}

/** Unix milliseconds, the first 48 bits of an id. */
const timeOf = (id: string) => Number.parseInt(id.slice(0, 12), 16);

async function nowOf({ database }: MovedDatabase): Promise<number> {
  const [row] = await database.rows<{ now: number }>("select unix_timestamp() as now");
  return Number(row?.now);
}

async function rowOf({ database }: MovedDatabase, id: string) {
  const [row] = await database.rows<{ expires: number; createdAt: number }>(
    "select expires, createdAt from session where sessionId = ?",
    [id],
  );
  if (!row) throw new Error("the row has gone");
  return row;
}

/**
 * A first visit: what the client is told, and what the row and the handle say, are of the database's time.
 */
async function expectRightTimes(moved: MovedDatabase, server: Rig): Promise<void> {
  const before = await nowOf(moved);
  const client = server.client({ auth: { token: "" } });
  const { token, expiresAt } = await gotToken(client);
  const after = await nowOf(moved);
  const id = token.slice(0, 32);
  const row = await rowOf(moved, id);
  expect(row.createdAt).toBeGreaterThanOrEqual(before);
  expect(row.createdAt).toBeLessThanOrEqual(after);
  expect([row.expires, expiresAt]).toEqual([row.createdAt + LIFE, row.createdAt + LIFE]);
  expect(timeOf(id) / 1000).toBeGreaterThan(before - 1);
  expect(timeOf(id) / 1000).toBeLessThan(after + 2);
}

/** Resolves when a sweep that began after this was called has compared all that is live. */
async function swept(moved: MovedDatabase, server: Rig): Promise<void> {
  const other = await server.connect();
  const ended = next(other.client, "sessionEnd");
  await moved.database.pool.query("update session set expires = unix_timestamp() where sessionId = ?", [
    other.id,
  ]);
  await ended;
}

const zones = [
  ["Europe/Berlin", Date.UTC(2026, 9, 25, 0, 30) / 1000],
  ["America/New_York", Date.UTC(2026, 10, 1, 5, 30) / 1000],
] as const;

for (const [zone, twice] of zones)
  await describeWithMovedDatabase(`a database in ${zone}`, zone, (moved) => {
    if (zone === "Europe/Berlin") testJumps(moved);
    test("the first and the second time round are an hour apart", async () => {
      const local: string[] = [];
      for (const at of [twice, twice + HOUR]) {
        moved.setTo(at);
        const [row] = await moved.database.rows<{ local: string }>(
          "select date_format(now(), '%Y-%m-%d %H:%i') as local",
        );
        local.push(row?.local ?? "");
      }
      expect(local[0]).toBe(local[1]);
    });

    test.each([
      ["before it", -HOUR],
      ["the first time", 0],
      ["the second time", HOUR],
      ["after it", 2 * HOUR],
    ])("the hour that comes twice: times are right %s", async (_, later) => {
      moved.setTo(twice + later);
      await expectRightTimes(moved, await rig({ databaseUrl: moved.database.url }));
    });

    test("the time of a connection is known to be set, and not to be, in each of these hours", async () => {
      const connection = await moved.database.pool.getConnection();
      const isRight = async () => {
        const [rows] = await connection.query(`select ${TIME_IS_RIGHT} as isRight`);
        return (rows as { isRight: number }[])[0]?.isRight;
      };
      try {
        for (const at of [twice - HOUR, twice, twice + HOUR, twice + 2 * HOUR]) {
          moved.setTo(at);
          expect([at, await isRight()]).toEqual([at, 1]);
          await connection.query(`set timestamp = ${at - 5}`);
          expect([at, await isRight()]).toEqual([at, 0]);
          await connection.query("set timestamp = default");
        }
      } finally {
        connection.release();
      }
    });

    test.each(["+00:00", "+05:30", "-11:00"])("times are right on connections in %s", async (offset) => {
      moved.setTo(twice);
      const pool = createPool(poolOptions(moved.database.url) as never);
      closing.push(() => pool.promise().end());
      pool.on("connection", (connection) => connection.query(`set time_zone = '${offset}'`));
      await expectRightTimes(moved, await rig({ options: { db: pool } }));
    });
  });

function testJumps(moved: MovedDatabase): void {
  describe("whose clock is set", () => {
    const url = () => ({ databaseUrl: moved.database.url });

    test.each([HOUR, -HOUR, 5 * HOUR, -5 * HOUR])(
      "by %i seconds: what is created next has the new time",
      async (by) => {
        moved.setOff(0);
        const server = await rig(url());
        await server.connect();
        moved.setOff(by);
        await expectRightTimes(moved, server);
        await expectRightTimes(moved, server);
      },
    );

    test.each([1000, -1000, -HOUR])(
      "by %i seconds: no session that its row lets live ends, and each goes on to be touched",
      async (by) => {
        moved.setOff(0);
        const server = await rig(url());
        const living = await server.connect();
        moved.setOff(by);
        await swept(moved, server);
        expect(living.session.active).toBe(true);
        await living.session.set({ n: 1 });
        expect(living.session.expiresAt).toBe((await rowOf(moved, living.id)).expires);
        expect((await server.connect(living.token)).id).toBe(living.id);
      },
    );

    test("forward past its end: a session is over, and told so once the sweep comes by", async () => {
      moved.setOff(0);
      const server = await rig(url());
      const { client } = await server.connect();
      const ended = next(client, "sessionEnd");
      moved.setOff(LIFE + 5);
      expect(await ended).toEqual([{ reason: "expired" }]);
    });

    test.each([HOUR, -HOUR])(
      "by %i seconds: tickets of one server are good on another, whichever of them has heard of it",
      async (by) => {
        moved.setOff(0);
        const options = {
          ...url(),
          options: { cookieSecret: SECRET, expiration: 3 * HOUR, revalidate: 450 },
        };
        const servers = [await rig(options), await rig(options)] as const;
        const act = async () => ({});
        const tokens: string[] = [];
        for (const server of servers) {
          await addApp("Express", server, act as never, { cookie: {} });
          tokens.push((await server.connect()).token);
        }
        const cookieOf = (response: Response) => response.headers.get("set-cookie")?.split(";")[0] ?? "";
        const told = await fetch(`${servers[0].url}/session`);
        let before = cookieOf(told);
        let ticket: string = (await told.json()).ticket;
        for (const [from, to, heardBy, off] of [
          [0, 1, 1, by],
          [1, 0, 0, 0],
          [0, 1, 0, by],
          [1, 0, 1, 0],
          [0, 0, 1, by],
        ] as const) {
          moved.setOff(off);
          expect((await servers[heardBy].connect(tokens[heardBy])).token).toBe(tokens[heardBy]);
          const again = await fetch(`${servers[from].url}/session`, { headers: { cookie: before } });
          ({ ticket } = await again.json());
          const client = servers[to].client({ auth: { token: ticket, confirm: true } });
          client.on("gotToken", (_: unknown, confirm?: () => void) => confirm?.());
          const answer = await gotToken(client);
          expect(answer.errors).toBe("");
          if (!answer.created) continue;
          const headers = { "session-ticket": answer.token, cookie: before };
          const exchanged = await fetch(`${servers[from].url}/session`, { method: "POST", headers });
          expect(exchanged.status).toBe(200);
          before = cookieOf(exchanged);
        }
      },
    );
  });

  describe("with a connection whose time is set", () => {
    test.each([1, 2_147_000_000])(
      "to %i and forgotten in the pool: no session ends by it, and none is created by it",
      async (time) => {
        moved.setOff(0);
        const pool = createPool({ ...(poolOptions(moved.database.url) as object), connectionLimit: 2 });
        closing.push(() => pool.promise().end());
        const mine = await pool.promise().getConnection();
        await mine.query(`set timestamp = ${time}`);
        const server = await rig({ options: { db: pool } });
        const before = await server.connect();
        // From now on there is the other one alone.
        const kept = await pool.promise().getConnection();
        mine.release();
        expect((await server.connect(before.token)).id).toBe(before.id);
        await expectRightTimes(moved, server);
        kept.release();
      },
    );

    test("and that of all others too: they are all of one mind", async () => {
      const now = 1_792_888_200;
      const pool = createPool(poolOptions(moved.database.url) as never);
      closing.push(() => pool.promise().end());
      pool.on("connection", (connection) => connection.query(`set timestamp = ${now}`));
      const server = await rig({ options: { db: pool } });
      const { session, id } = await server.connect();
      const { createdAt, expiresAt } = session;
      expect([createdAt, expiresAt]).toEqual([now, now + LIFE]);
      expect(await rowOf(moved, id)).toEqual({ createdAt, expires: expiresAt });
      expect(Math.abs(timeOf(id) / 1000 - now)).toBeLessThanOrEqual(1);
    });
  });

  describe("for a machine whose wall clock is set, or that has slept", () => {
    test.each([
      ["slept for three hours", 3 * HOUR, 3 * HOUR],
      ["was set three hours forward", 3 * HOUR, 0],
      ["was set three hours back", -3 * HOUR, 0],
    ])("%s: what is created next has the database's time", async (_, wall, database) => {
      moved.setOff(0);
      const time = moved.process();
      const node = await startNodeProcess({
        databaseUrl: moved.database.url,
        environment: time.environment,
        options: { expiration: EXPIRATION, revalidate: 450, touchEvery: 450, prune: false },
      });
      closing.push(() => node.close());
      await node.open();
      time.setOff(wall);
      moved.setOff(database);
      const before = await nowOf(moved);
      expect(Math.abs((await node.now()) / 1000 - (before - database + wall))).toBeLessThan(60);
      const { id, facts } = await node.open();
      const after = await nowOf(moved);
      expect(timeOf(id) / 1000).toBeGreaterThan(before - 1);
      expect(timeOf(id) / 1000).toBeLessThan(after + 2);
      expect((await facts()).expiresAt).toBe((await rowOf(moved, id)).expires);
    });
  });
}
