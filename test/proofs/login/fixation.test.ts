import { describe, expect, test } from "@jest/globals";
import type { Socket as ServerSocket } from "socket.io";
import { openTab, type Tab } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { describeWithRedis } from "../../support/redis/redis.js";
import { ADAPTERS, startNodes } from "../../support/servers/cluster.js";
import { gate, outcome, useNodes } from "../../support/servers/nodes.js";
import type { Connected, Rig } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Session fixation: somebody knows the token of a session, perhaps has planted it, and waits until its user
// logs in.

const nodes = useNodes();
const CARD = { card: "4111" };

/** The victim's server and the thief's, and the clock of the thief's. */
interface World {
  readonly here: Rig;
  readonly there: Rig;
  readonly clock: HandClock;
  /** Lets the thief's server find out what the victim's has done, where nobody tells it. */
  readonly lookAround: () => void;
  close(): Promise<void>;
}

async function onOne(io: object = {}): Promise<World> {
  const clock = new HandClock();
  const node = await nodes.node({ options: { clock, revalidate: 20_000 }, io });
  return { here: node, there: node, clock, lookAround() {}, async close() {} };
}

async function onTwoWithoutAdapter(): Promise<World> {
  const clock = new HandClock();
  const here = await nodes.node();
  const there = await nodes.node({ options: { clock, revalidate: 1 } });
  return { here, there, clock, lookAround: () => clock.advance(1_200), async close() {} };
}

async function overRedis(makeAdapter: (typeof ADAPTERS)[number][1]): Promise<World> {
  const clock = new HandClock();
  const databaseUrl = nodes.database.url;
  const started = await startNodes(makeAdapter, [{ databaseUrl }, { databaseUrl, options: { clock } }]);
  const [here, there] = started.nodes as [Rig, Rig];
  return { here, there, clock, lookAround() {}, close: () => started.close() };
}

/** What a socket's handle shows, and what becomes of each thing that it may try. */
async function tries({ session, ...socket }: Pick<Connected, "session" | "socket">) {
  const seen = {
    active: session.active,
    id: session.id,
    userId: session.userId,
    card: session.get("card"),
    has: session.has("planted"),
    all: session.toJSON(),
    createdAt: session.createdAt,
    expiresAt: session.expiresAt,
    client: session.client,
  };
  const refused = {
    set: await outcome(session.set("stolen", 1)),
    setAll: await outcome(session.set({ stolen: 1 })),
    delete: await outcome(session.delete("card")),
    clear: await outcome(session.clearSession()),
    update: await outcome(session.update((draft) => draft)),
    withSession: await outcome(socket.socket.withSession(({ session }) => session)),
    reload: await outcome(session.reload()),
    login: await outcome(session.login("mallory")),
    logout: await outcome(session.logout()),
    regenerate: await outcome(session.regenerate()),
    destroy: await outcome(session.destroy()),
  };
  return { seen, refused };
}

const NOTHING = {
  active: false,
  id: undefined,
  userId: "",
  card: "",
  has: false,
  all: {},
  createdAt: 0,
  expiresAt: 0,
  client: null,
};
const REFUSED = "SESSION_TOKEN_CHANGED";

async function expectNothing(of: Pick<Connected, "session" | "socket">): Promise<void> {
  const { seen, refused } = await tries(of);
  expect(seen).toEqual(NOTHING);
  expect(refused).toEqual(Object.fromEntries(Object.keys(refused).map((name) => [name, REFUSED])));
}

/** The logged-in session is as its user left it. */
async function expectUntouched(victim: Tab): Promise<void> {
  const values = { planted: true, ...CARD };
  expect([victim.handle().userId, victim.handle().toJSON()]).toEqual(["ada", values]);
  const [row] = await nodes.database.rows("select userId, data from session where sessionId = ?", [
    victim.session.id,
  ]);
  expect(row).toEqual({ userId: "ada", data: JSON.stringify(values) });
}

/** A victim with a session, and a thief who has its token and a socket on it. */
async function plant({ here, there }: Pick<World, "here" | "there">, thiefClient: object = {}) {
  const victim = await openTab(here.io, here.client());
  await victim.handle().set("planted", true);
  const planted = victim.session.token;
  const client = there.client({ auth: { token: planted }, ...thiefClient });
  await gotToken(client);
  const socket = there.io.sockets.sockets.get(client.id ?? "") as ServerSocket;
  expect(socket.session.get("planted")).toBe(true);
  return { victim, planted, thief: { client, socket, session: socket.session } };
}

async function loginOf(victim: Tab): Promise<void> {
  await victim.handle().login("ada");
  await victim.handle().set(CARD);
}

/** An unknown secret is looked for again for two seconds. The database answers in between. */
async function answerOf<Answer>(clock: HandClock, answer: Promise<Answer>): Promise<Answer> {
  let isThere = false;
  void answer.then(() => {
    isThere = true;
  });
  while (!isThere) {
    await nodes.database.rows("select 1");
    clock.advance(250);
  }
  return answer;
}

/** What `on` says of a token that opens nothing. */
async function presented(on: Rig, token: string, clock: HandClock) {
  const before = on.log.lines.length;
  const invalid = next(on.sessions, "sessionInvalid");
  const { token: fresh, errors } = await answerOf(clock, gotToken(on.client({ auth: { token } })));
  expect(errors).toBe("Session Not Found");
  expect(fresh.slice(0, 32)).not.toBe(token.slice(0, 32));
  const warnings = on.log.lines.slice(before).filter(({ level }) => level === "warn" || level === "error");
  return { event: (await invalid)[0], warnings };
}

function fixation(makeWorld: () => Promise<World>): void {
  test("a socket on the planted token sees nothing of the login, is told, and is cut 10 s later", async () => {
    const world = await makeWorld();
    try {
      const { victim, planted, thief } = await plant(world);
      const { client, socket } = thief;
      const [working, go] = [gate(), gate()];
      const result = gate();
      let late: unknown;
      // At work before the login, and goes on after it.
      socket.on("work", async () => {
        const own = socket.session;
        working.open();
        await go.opened;
        late = {
          own: await tries({ session: own, socket }),
          now: await tries({ session: socket.session, socket }),
        };
        result.open();
      });
      socket.on("ping", (done: () => void) => done());
      client.emit("work");
      await working.opened;

      const told = next(client, "tokenChanged");
      await loginOf(victim);
      world.lookAround();
      expect((await told)[0]).toEqual({});
      await expectNothing(thief);
      await expectNothing({ session: socket.session, socket });
      go.open();
      await result.opened;
      const refused = expect.not.objectContaining({ destroy: "resolved" });
      expect(late).toMatchObject({ own: { seen: NOTHING, refused }, now: { seen: NOTHING, refused } });
      await expectUntouched(victim);

      world.clock.advance(9_999);
      await client.emitWithAck("ping");
      const gone = next(client, "disconnect");
      world.clock.advance(1);
      expect((await gone)[0]).toBe("io server disconnect");
      await expectNothing(thief);
      await expectUntouched(victim);
      expect(victim.client.connected).toBe(true);

      for (const on of [world.here, world.there]) {
        const { event, warnings } = await presented(on, planted, world.clock);
        expect(event).toEqual({ sessionId: victim.session.id, reason: "retired" });
        expect(warnings).toEqual([
          expect.objectContaining({ sessionId: victim.session.id, text: expect.stringMatching(/newer one/) }),
        ]);
        expect(on.log.text).not.toContain(planted.slice(33));
        const wrong = await presented(on, `${planted.slice(0, 33)}${"A".repeat(43)}`, world.clock);
        expect(wrong).toEqual({ event: { sessionId: victim.session.id, reason: "unknown" }, warnings: [] });
      }
    } finally {
      await world.close();
    }
  });

  test("a handler of withSession that began before saves nothing, and ends nothing", async () => {
    const world = await makeWorld();
    try {
      for (const last of ["stolen", null]) {
        const { victim, thief } = await plant(world);
        const [working, go] = [gate(), gate()];
        const handled = thief.socket.withSession(async (context) => {
          working.open();
          await go.opened;
          if (last === null) context.session = null;
          else context.session["planted"] = last;
        });
        await working.opened;
        const told = next(thief.client, "tokenChanged");
        await loginOf(victim);
        world.lookAround();
        await told;
        go.open();
        expect(await outcome(handled)).toBe(REFUSED);
        await expectUntouched(victim);
      }
    } finally {
      await world.close();
    }
  });

  test("a socket that has gone meanwhile leaves a handle that shows and changes nothing of the login", async () => {
    const world = await makeWorld();
    try {
      const { victim, thief } = await plant(world);
      const gone = next(thief.socket, "disconnect");
      thief.client.disconnect();
      await gone;
      await loginOf(victim);
      // It may show what it knew before: never more.
      expect(thief.session.toJSON()).not.toHaveProperty("card");
      expect(thief.session.userId).toBe("");
      const { refused } = await tries(thief);
      expect(new Set(Object.values(refused))).toEqual(new Set([REFUSED]));
      await expectNothing(thief);
      await expectUntouched(victim);
    } finally {
      await world.close();
    }
  });

  test("a fresh session does not keep the socket of a thief connected", async () => {
    const world = await makeWorld();
    try {
      const { victim, thief } = await plant(world);
      const told = next(thief.client, "tokenChanged");
      await loginOf(victim);
      world.lookAround();
      await told;
      const fresh = await thief.client.emitWithAck("getToken", { token: "" });
      expect(fresh.created).toBe(true);
      const gone = next(thief.client, "disconnect");
      world.clock.advance(10_000);
      // Whoever has a session of their own by then comes back with it, as another socket.
      expect((await gone)[0]).toBe("transport close");
    } finally {
      await world.close();
    }
  });
}

describe("on the same node", () => fixation(() => onOne()));
describe("on another node, without an adapter", () => fixation(onTwoWithoutAdapter));
describeWithRedis("on another node, over Redis", () => {
  describe.each(ADAPTERS)("%s", (_, makeAdapter) => fixation(() => overRedis(makeAdapter)));
});
