import { describe, expect, test } from "@jest/globals";
import { HandClock } from "../../support/clock.js";
import { freshPair, LOOK, say } from "../../support/servers/fresh-node.js";
import { useNodes } from "../../support/servers/nodes.js";
import { startRig } from "../../support/servers/rig.js";
import { ask, gotToken, next, type TestServerOptions } from "../../support/servers/server.js";
import { brittleStore } from "../../support/stores/memory.js";

// Events that wait for a look at the row, and what may come meanwhile: another token, an outage, the time.

const nodes = useNodes();
const pair = (given?: TestServerOptions) => freshPair(nodes, given);

describe("a token presented in between", () => {
  test("another one: what came before it is for the session before, what comes after for the next", async () => {
    const { other, there } = await pair();
    const second = await other.connect();
    const looking = other.proxy.hold(LOOK);
    there.client.emit("say", "before");
    const opened = ask(there.client, "getToken", { token: second.token });
    const after = say(there.client, "after");
    const look = await looking;
    await other.arrived(3);
    // What came later, by somebody else, has been to the database and back.
    await say(second.client, "bystander");
    await look.release();
    expect(await opened).toMatchObject({ token: second.token, errors: "" });
    await after;
    expect(other.heard.map(({ word, id }) => [word, id])).toEqual([
      ["bystander", second.id],
      ["before", there.id],
      ["after", second.id],
    ]);
  });

  test("another one, while the session before turns out to be over: the client goes on with the other", async () => {
    const { other, there } = await pair();
    const second = await other.connect();
    const looking = other.proxy.hold(LOOK);
    there.client.emit("say", "before");
    const opened = ask(there.client, "getToken", { token: second.token });
    const look = await looking;
    await nodes.database.pool.query("update session set expires = 1 where sessionId = ?", [there.id]);
    await look.release();
    expect(await opened).toMatchObject({ token: second.token, errors: "" });
    expect(await say(there.client, "after")).toMatchObject({ id: second.id });
    expect(other.heard.map(({ word }) => word)).toEqual(["after"]);
  });

  test("another one, by a socket that has lost its session: what came for that runs for no other", async () => {
    const { other, here, there } = await pair();
    const second = await other.connect();
    await here.session.regenerate();
    const told = next(there.client, "tokenChanged");
    there.client.emit("say", "before");
    await told;
    const opened = ask(there.client, "getToken", { token: second.token });
    expect(await opened).toMatchObject({ token: second.token, errors: "" });
    expect(await say(there.client, "after")).toMatchObject({ id: second.id });
    expect(other.heard.map(({ word }) => word)).toEqual(["after"]);
    expect(await other.log.line(/was not passed on/)).toMatchObject({ level: "warn", sessionId: there.id });
  });

  test("its own: is answered, and the order stays", async () => {
    const { other, there } = await pair();
    there.client.emit("say", "before");
    const answered = ask(there.client, "getToken", { token: there.token });
    const after = say(there.client, "after");
    expect(await answered).toMatchObject({ token: there.token, created: false });
    await after;
    expect(other.heard.map(({ word }) => word)).toEqual(["before", "after"]);
  });
});

describe("while the database is away", () => {
  test("events wait, in order, and find what is there when it is back", async () => {
    const { other, here, there } = await pair({ options: { storeTimeout: 1 } });
    const ended: unknown[] = [];
    other.sessions.on("sessionEnd", (event) => ended.push(event));
    await other.proxy.down();
    const answers = ["one", "two", "three"].map((word) => say(there.client, word));
    await other.log.line(/events wait/);
    await here.session.set("n", 7);
    expect([other.heard, there.session.active, there.client.connected]).toEqual([[], true, true]);
    await other.proxy.up();
    expect(await Promise.all(answers)).toEqual(
      ["one", "two", "three"].map((word) => ({ word, id: there.id, n: 7 })),
    );
    await other.log.line(/events go on/);
    expect([other.heard.map(({ word }) => word), ended]).toEqual([["one", "two", "three"], []]);
  });

  test("a token presented again is told so, and does not wait for the events before it", async () => {
    const { other, there } = await pair({ options: { storeTimeout: 1 } });
    const looking = other.proxy.hold(LOOK);
    const said = say(there.client, "waits");
    await looking;
    const answered = ask(there.client, "getToken", { token: there.token });
    await other.arrived(2);
    await other.proxy.down();
    expect(await answered).toEqual({ token: "", errors: "Session store unavailable" });
    const back = gotToken(there.client);
    await other.proxy.up();
    expect(await back).toMatchObject({ token: there.token, errors: "" });
    expect(await said).toMatchObject({ id: there.id });
  });

  test("a thousand wait; more close the connection, and none of them runs", async () => {
    const { other, there } = await pair({ options: { storeTimeout: 1 } });
    await other.proxy.down();
    there.client.io.reconnection(false);
    const closed = next(there.client, "disconnect");
    for (let n = 0; n <= 1000; n++) there.client.emit("say", n);
    await closed;
    expect((await other.log.line(/sent too much/))["code"]).toBe("SESSION_QUEUE_FULL");
    await other.proxy.up();
    expect(other.heard).toEqual([]);
  });
});

describe("seconds", () => {
  async function start() {
    const clock = new HandClock();
    clock.advance(60_000);
    return { clock, ...(await pair({ options: { freshness: 5, clock } })) };
  }

  test("that a machine has slept count: its clock may have stood still", async () => {
    const { clock, other, here, there } = await start();
    await here.session.set("n", 1);
    clock.advance(1_000);
    expect(await say(there.client, "soon")).toMatchObject({ n: "" });
    clock.jump(3_600_000);
    expect(await say(there.client, "awake again")).toMatchObject({ n: 1 });
    expect(other.looks).toBe(1);
  });

  test("the look is left out as long as the last one was no longer ago", async () => {
    const { clock, other, here, there } = await start();
    await here.session.set("n", 1);
    clock.advance(5_000);
    expect([await say(there.client, "?"), other.looks]).toEqual([expect.objectContaining({ n: "" }), 0]);
    clock.advance(1);
    expect([await say(there.client, "?"), other.looks]).toEqual([expect.objectContaining({ n: 1 }), 1]);
    clock.advance(5_001);
    expect([await say(there.client, "as it was"), other.looks]).toEqual([expect.anything(), 2]);
    await here.session.set("n", 2);
    clock.advance(5_000);
    expect([await say(there.client, "?"), other.looks]).toEqual([expect.objectContaining({ n: 1 }), 2]);
    clock.advance(1);
    expect([await say(there.client, "?"), other.looks]).toEqual([expect.objectContaining({ n: 2 }), 3]);
  });

  test("so it is where the row has not moved", async () => {
    const clock = new HandClock();
    clock.advance(60_000);
    // The row's clock is this one too, so that nothing at all is new in it.
    const rows = brittleStore(clock);
    const server = await startRig({
      options: { store: rows.factory, freshness: 5, clock },
      handlers: (io) =>
        io.on("connection", (socket) => void socket.on("say", (_, done: () => void) => done())),
    });
    const { client } = await server.connect();
    const { store } = rows;
    let looks = 0;
    const { loadRevisions } = store;
    store.loadRevisions = (ids) => {
      looks++;
      return loadRevisions.call(store, ids);
    };
    const after: number[] = [];
    for (const ms of [5_000, 1, 5_000, 1]) {
      clock.advance(ms);
      await say(client, ms);
      after.push(looks);
    }
    await server.close();
    expect(after).toEqual([0, 1, 1, 2]);
  });

  test("nothing overtakes what waits, though something else has read the row meanwhile", async () => {
    const { clock, other, there } = await start();
    clock.advance(5_001);
    await other.proxy.down();
    const first = say(there.client, "first");
    await other.log.line(/events wait/);
    await other.proxy.up();
    await there.session.reload();
    const second = say(there.client, "second");
    await other.arrived(2);
    // What has come waits for the pause between two tries.
    clock.advance(1_000);
    await Promise.all([first, second]);
    expect(other.heard.map(({ word }) => word)).toEqual(["first", "second"]);
  });
});
