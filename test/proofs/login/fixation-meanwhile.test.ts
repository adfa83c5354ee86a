import { describe, expect, test } from "@jest/globals";
import { openTab } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { gate, outcome, until, useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// Session fixation, while a login is on its way, and before another server has heard of it.

const nodes = useNodes();
const REFUSED = "SESSION_TOKEN_CHANGED";

async function rowFacts(id: string) {
  const [row] = await nodes.database.rows("select userId, data from session where sessionId = ?", [id]);
  return row;
}

test("what a login brings is not shown to others while it is on its way to the row", async () => {
  const node = await nodes.node();
  // Of a client that does not confirm: new token, userId and values go out in one write.
  const victim = await node.connect();
  const thief = await node.connect(victim.token);
  const working = gate();
  const go = gate();
  const work = thief.socket.withSession(async ({ session }) => {
    working.open();
    await go.opened;
    session["stolen"] = true;
  });
  await working.opened;
  const lock = await nodes.lock(victim.id);
  const login = victim.session.login("ada");
  // A login begins in the next turn, and its write stands still before the lock.
  await until(async () => !thief.session.active);
  const card = victim.session.set("card", "4111");
  expect(victim.session.get("card")).toBe("4111");
  expect([thief.session.get("card"), thief.session.toJSON(), thief.session.id]).toEqual(["", {}, undefined]);
  const tries = [
    thief.session.set("stolen", 1),
    thief.session.update((draft) => draft),
    thief.session.destroy(),
    thief.socket.withSession(({ session }) => session),
  ].map(outcome);
  go.open();
  await lock.release();
  await Promise.all([login, card]);
  expect(await Promise.all(tries)).toEqual(tries.map(() => REFUSED));
  expect(await outcome(work)).toBe(REFUSED);
  expect(await rowFacts(victim.id)).toEqual({ userId: "ada", data: '{"card":"4111"}' });
});

test("destroy() that comes before a login ends the session before it, and never after it", async () => {
  const node = await nodes.node();
  const victim = await node.connect();
  const thief = await node.connect(victim.token);
  const lock = await nodes.lock(victim.id);
  const blocked = outcome(victim.session.set("n", 1));
  const login = outcome(victim.session.login("ada"));
  // Behind the write that stands still, and before that of the login, which begins in the next turn.
  const ended = outcome(thief.session.destroy());
  await until(async () => !thief.session.active);
  await lock.release();
  expect(await Promise.all([blocked, ended, login])).toEqual(["resolved", "resolved", "SESSION_ENDED"]);
});

describe("a server that has not heard of the login", () => {
  // Its sweep is far away, and there is no adapter: it finds out by the very thing that is tried.
  test.each([
    ["set", (thief) => thief.session.set("stolen", 1)],
    ["update", (thief) => thief.session.update((draft) => (draft["stolen"] = 1))],
    ["clearSession", (thief) => thief.session.clearSession()],
    ["withSession", (thief) => thief.socket.withSession(({ session }) => (session["stolen"] = 1))],
    ["destroy", (thief) => thief.session.destroy()],
    ["login", (thief) => thief.session.login("mallory")],
  ] satisfies [string, (thief: Awaited<ReturnType<typeof planted>>["thief"]) => Promise<unknown>][])(
    "refuses %s, shows nothing, and tells the socket",
    async (_, attempt) => {
      const { victim, thief } = await planted();
      const told = next(thief.client, "tokenChanged");
      await victim.handle().login("ada");
      await victim.handle().set("card", "4111");
      expect([thief.session.userId, thief.session.get("card")]).toEqual(["", ""]);
      const result = outcome(attempt(thief));
      expect(await result).toBe(REFUSED);
      await told;
      expect([thief.session.active, thief.session.toJSON()]).toEqual([false, {}]);
      expect(await rowFacts(victim.session.id)).toEqual({ userId: "ada", data: '{"card":"4111"}' });
    },
  );

  async function planted() {
    const here = await nodes.node();
    const there = await nodes.node({ options: { clock: new HandClock(), revalidate: 20_000 } });
    const victim = await openTab(here.io, here.client());
    return { victim, thief: await there.connect(victim.session.token) };
  }
});
