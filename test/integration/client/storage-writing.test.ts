import { describe, expect, test } from "@jest/globals";
import { type ClientOptions, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage, MANNERS } from "../../support/clients/faulty-storage.js";
import { HandClock } from "../../support/clock.js";
import { type Node, outcome, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// The device's storage cannot be written: what the client holds must open the session all the same.

const nodes = useNodes();
const CONFIRM_TIMEOUT_MS = 10_000;

const opened = (node: Node, storage: FaultyStorage, options: ClientOptions = {}) => {
  const socket = node.client();
  return { socket, session: tokenSession(socket, { storage, key: TOKEN_KEY, ...options }) };
};

describe.each(MANNERS)("a storage that is %s", (manner) => {
  test("write error of a new session: kept in memory, survives reconnects, stored once that works", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    storage.failures.write = 2;
    const { socket, session } = opened(node, storage);
    const heard = hear(session);
    await session.ready;
    expect(heard[0]).toMatchObject(["error", { code: "storage", cause: { message: "the write failed" } }]);
    const { token } = session;
    expect([session.state, storage.items.size]).toEqual(["open", 0]);

    const failed = nextOf(session, "error");
    for (let round = 0; round < 2; round++) {
      const message = gotToken(socket);
      socket.io.engine.close();
      expect(await message).toMatchObject({ token, created: false });
      // The second failure is over before the next connection.
      if (round === 0) await failed;
    }
    expect(storage.failures.write).toBe(0);
    await until(async () => storage.items.get(TOKEN_KEY) === token);
    expect(heard.map(([name]) => name)).toEqual(["error", "token", "start", "error"]);
  });

  test("write error of a rotated token: the login is rejected, and the old token stays good", async () => {
    const clock = new HandClock();
    const node = await nodes.node({ options: { clock } });
    const storage = new FaultyStorage(manner);
    const { socket, session } = opened(node, storage);
    await session.ready;
    const { token } = session;
    storage.failures.write = 1;
    const failed = nextOf(session, "error");
    const login = outcome(serverSideOf(node.io, socket).session.login("ada"));
    expect(await failed).toMatchObject({ code: "storage" });
    clock.advance(CONFIRM_TIMEOUT_MS);
    expect(await login).toBe("SESSION_NOT_CONFIRMED");
    expect([session.token, storage.items.get(TOKEN_KEY)]).toEqual([token, token]);

    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token, errors: "" });
    await serverSideOf(node.io, socket).session.login("ada");
    expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
    expect(session.token).not.toBe(token);
  });

  test("write error of a rotated token where nothing is stored: the login works", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    storage.failures.write = 2;
    const { socket, session } = opened(node, storage);
    await session.ready;
    const before = session.token;
    const handle = serverSideOf(node.io, socket).session;
    await handle.login("ada");
    expect(session.token).not.toBe(before);
    expect([storage.items.size, storage.failures.write]).toEqual([0, 0]);
    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token: session.token, errors: "" });
  });

  test("a new session that takes the place of a dead token which cannot be overwritten", async () => {
    const node = await nodes.node();
    const dead = "0".repeat(32);
    const storage = new FaultyStorage(manner, new Map([[TOKEN_KEY, dead]]));
    storage.failures.write = 1;
    const { socket, session } = opened(node, storage);
    await session.ready;
    const { token } = session;
    expect(storage.items.get(TOKEN_KEY)).toBe(dead);
    const message = gotToken(socket);
    socket.io.engine.close();
    expect(await message).toMatchObject({ token, errors: "" });
    await serverSideOf(node.io, socket).session.regenerate();
    expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
  });

  test("after the end of a session that could not be stored, what is stored counts again", async () => {
    const node = await nodes.node();
    const other = opened(node, new FaultyStorage());
    await other.session.ready;
    const storage = new FaultyStorage(manner);
    storage.failures.write = 1;
    const { session } = opened(node, storage);
    await session.ready;
    const { id } = session;
    // Another tab, where writing works.
    storage.items.set(TOKEN_KEY, other.session.token);
    await node.sessions.destroy(id);
    await nextOf(session, "end");
    await session.ready;
    expect(session.token).toBe(other.session.token);
    expect(storage.items.get(TOKEN_KEY)).toBe(other.session.token);
  });

  test("an ended session whose token cannot be removed", async () => {
    const node = await nodes.node();
    const storage = new FaultyStorage(manner);
    const { socket, session } = opened(node, storage);
    await session.ready;
    const { id, token } = session;
    storage.failures.removal = 1;
    const heard = hear(session);
    const gone = next(socket, "disconnect");
    await node.sessions.destroy(id);
    await gone;
    await session.ready;
    expect(session.token).not.toBe(token);
    expect(storage.items.get(TOKEN_KEY)).toBe(session.token);
    expect(heard.map(([name]) => name).filter((name) => name !== "token")).toEqual(["end", "error", "start"]);
    expect(heard).toContainEqual(["error", expect.objectContaining({ code: "storage" })]);
  });
});
