import { describe, expect, test } from "@jest/globals";
import type { SessionHandle } from "../../../src/index.js";
import { useClientNetworks } from "../../support/clients/client-networks.js";
import { type ClientProxy, startClientProxy } from "../../support/clients/client-proxy.js";
import { device, openTab, type Tab, TOKEN_KEY } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { type Node, outcome, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// What is lost on the way between server and client during a rotation logs nobody out.

const CONFIRM_TIMEOUT_MS = 10_000;
const UPDATE = "update ";

const nodes = useNodes();
const { clients, networks } = useClientNetworks();
interface Stage extends Tab {
  readonly node: Node;
  readonly clock: HandClock;
  readonly network: ClientProxy;
  readonly storage: ReturnType<typeof device>;
  /** What `sessionInvalid` has told. */
  readonly alarms: unknown[];
  /** The token before the rotation. */
  readonly before: string;
}

/** A device connected by a network that loses messages, with something in its session; time stands still. */
async function stage(options = {}): Promise<Stage> {
  const clock = new HandClock();
  const node = await nodes.node({ options: { clock, prune: false, ...options } });
  const network = await startClientProxy(node.port);
  networks.push(network);
  const storage = device();
  const tab = await openTab(node.io, clients.open(network.url), storage);
  await tab.handle().set("cart", [1]);
  const alarms: unknown[] = [];
  node.sessions.on("sessionInvalid", (event) => alarms.push(event));
  return { ...tab, node, clock, network, storage, alarms, before: tab.session.token };
}

async function rowOf({ session }: Pick<Stage, "session">) {
  const [row] = await nodes.database.rows<{ userId: string | null; data: string; nextHash: Buffer | null }>(
    "select userId, data, nextHash from session where sessionId = ?",
    [session.id],
  );
  return row;
}

const shown = (handle: SessionHandle) => [handle.active, handle.id, handle.userId, handle.toJSON()];

/** What the device holds opens the session as it was, and the next login is like any other. */
async function expectGoesOn(stage: Stage, handle = stage.handle(), userId = ""): Promise<void> {
  const { node, storage, before, alarms } = stage;
  const id = before.slice(0, 32);
  expect(shown(handle)).toEqual([true, id, userId, { cart: [1] }]);
  const held = storage.getItem(TOKEN_KEY);
  expect(await outcome(handle.login("bob"))).toBe("resolved");
  expect(shown(handle)).toEqual([true, id, "bob", { cart: [1] }]);
  expect(storage.getItem(TOKEN_KEY)).not.toBe(held);
  expect(await rowOf(stage)).toEqual({ userId: "bob", data: '{"cart":[1]}', nextHash: null });
  const again = await openTab(node.io, clients.open(node.url), storage);
  expect(shown(again.handle())).toEqual([true, id, "bob", { cart: [1] }]);
  expect(alarms).toEqual([]);
}

describe("lost, and the connection with it", () => {
  test("a new token that does not arrive leaves everything as it was", async () => {
    const on = await stage();
    const lost = on.network.loseReply({ cut: true });
    const back = lost.then(() => gotToken(on.client));
    expect(await outcome(on.handle().login("ada"))).toBe("SESSION_NOT_CONFIRMED");
    expect(await rowOf(on)).toMatchObject({ userId: null, nextHash: expect.anything() });
    expect(await back).toMatchObject({ token: on.before, errors: "", created: false });
    expect(on.session.token).toBe(on.before);
    await expectGoesOn(on);
  });

  test("a confirmation that is not heard leaves all but the token as it was", async () => {
    const on = await stage();
    const lost = on.network.loseConfirmation({ cut: true });
    const back = lost.then(() => gotToken(on.client));
    expect(await outcome(on.handle().login("ada"))).toBe("SESSION_NOT_CONFIRMED");
    expect(on.session.token).not.toBe(on.before);
    expect(await back).toMatchObject({ token: on.session.token, errors: "", created: false });
    expect(await rowOf(on)).toMatchObject({ userId: null, nextHash: null });
    await expectGoesOn(on);
  });

  test("again and again, of a login, a logout and a mere new token", async () => {
    const on = await stage();
    for (const lose of [
      "loseReply",
      "loseConfirmation",
      "loseReply",
      "loseReply",
      "loseConfirmation",
    ] as const)
      for (const change of ["logout", "regenerate", "login"] as const) {
        const lost = on.network[lose]({ cut: true });
        const back = lost.then(() => gotToken(on.client));
        const code = await outcome(on.handle()[change]("ada"));
        // A logout takes effect whether or not the client hears of it; only the token stays.
        const expected = change === "logout" ? "resolved" : "SESSION_NOT_CONFIRMED";
        expect([code, (await back).token]).toEqual([expected, on.session.token]);
      }
    await on.handle().set("cart", [1]);
    await expectGoesOn(on);
  });

  test("a socket that has gone while the new hash was written is not waited for", async () => {
    const on = await stage();
    const handle = on.handle();
    const holding = on.node.proxy.hold(UPDATE);
    const login = outcome(handle.login("ada"));
    const held = await holding;
    const [socket] = on.node.io.sockets.sockets.values();
    const gone = next(socket, "disconnect");
    on.client.disconnect();
    await gone;
    await held.release();
    // Time stands still: nothing but its having gone can tell.
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
    expect(on.session.token).toBe(on.before);
    on.client.connect();
    await gotToken(on.client);
    await expectGoesOn(on);
  });
});

describe("lost by a connection that goes on", () => {
  test.each([
    ["a new token", "loseReply", false],
    ["a confirmation", "loseConfirmation", true],
  ] as const)("%s: the next login asks first what the client holds", async (_, lose, isNew) => {
    const on = await stage();
    const handle = on.handle();
    const lost = on.network[lose]({ cut: false });
    const login = outcome(handle.login("ada"));
    await lost;
    on.clock.advance(CONFIRM_TIMEOUT_MS);
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
    expect(on.session.token !== on.before).toBe(isNew);
    expect(await rowOf(on)).toMatchObject({ userId: null, nextHash: expect.anything() });
    const presented = gotToken(on.client);
    const asked = next(on.client, "tokenChanged");
    const held = on.session.token;
    const going = expectGoesOn(on);
    await asked;
    expect(await presented).toMatchObject({ token: held, errors: "", created: false });
    await going;
  });

  test("another tab's login asks for it too", async () => {
    const on = await stage();
    const other = await openTab(on.node.io, clients.open(on.node.url), on.storage);
    const lost = on.network.loseConfirmation({ cut: false });
    const login = outcome(on.handle().login("ada"));
    await lost;
    on.clock.advance(CONFIRM_TIMEOUT_MS);
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
    // This one has the session by the old token still.
    const asked = next(other.client, "tokenChanged");
    const going = expectGoesOn(on, other.handle());
    await asked;
    await going;
  });
});

test("an app that was not in front during two logins goes on with what it then finds", async () => {
  const on = await stage();
  const handle = on.handle();
  const resume = on.network.suspend();
  for (const userId of ["ada", "eve"]) {
    let isOver = false;
    const login = outcome(handle.login(userId)).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await rowOf(on);
      on.clock.advance(1_000);
    }
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
  }
  const asked = next(on.client, "tokenChanged");
  resume();
  await asked;
  expect(await gotToken(on.client)).toMatchObject({ token: on.session.token, errors: "", created: false });
  expect(on.session.token).not.toBe(on.before);
  await expectGoesOn(on);
});

describe("while the database is away", () => {
  test("from the beginning: no token is sent", async () => {
    const on = await stage({ storeTimeout: 1, clock: undefined });
    const sent: unknown[] = [];
    on.client.on("gotToken", (message) => sent.push(message));
    await on.node.proxy.down();
    expect(await outcome(on.handle().login("ada"))).toMatch(/SESSION_(STORE_UNAVAILABLE|WRITE_UNCERTAIN)/);
    expect([on.session.token, sent]).toEqual([on.before, []]);
    await on.node.proxy.up();
    await expectGoesOn(on);
  });

  test("when the new token has been confirmed: what the client holds opens the session", async () => {
    const on = await stage({ storeTimeout: 1, clock: undefined });
    const handle = on.handle();
    const first = on.node.proxy.passed(UPDATE);
    const login = outcome(handle.login("ada"));
    await first;
    const held = await on.node.proxy.hold(UPDATE);
    held.abandon();
    await on.node.proxy.down();
    expect(await login).toMatch(/SESSION_(STORE_UNAVAILABLE|WRITE_UNCERTAIN)/);
    expect(on.session.token).not.toBe(on.before);
    expect(await rowOf(on)).toMatchObject({ userId: null, nextHash: expect.anything() });
    await on.node.proxy.up();
    const back = gotToken(on.client);
    on.client.io.engine.close();
    expect(await back).toMatchObject({ token: on.session.token, errors: "", created: false });
    await expectGoesOn(on);
  });

  test.each([[1], [2]])("a lost answer to write %i is found out, and the login takes effect", async (nth) => {
    const on = await stage({ clock: undefined });
    let answers = 0;
    on.node.proxy.watchAnswers(UPDATE, () => ++answers === nth);
    expect(await outcome(on.handle().login("ada"))).toBe("resolved");
    expect(answers).toBeGreaterThanOrEqual(nth);
    expect(on.session.token).not.toBe(on.before);
    await expectGoesOn(on, on.handle(), "ada");
  });
});
