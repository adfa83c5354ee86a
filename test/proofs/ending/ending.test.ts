import { describe, expect, test } from "@jest/globals";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import type { OldClient } from "../../support/old-package/old-client.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Ending a session from the server: the row is gone, whoever has it open is told and cut, and nothing brings
// it back.

const nodes = useNodes();

describe("socket.session.destroy()", () => {
  test("deletes the row, tells and cuts the sockets of that session in all its namespaces, and no others", async () => {
    const node = await nodes.node({
      attach: (sessions, io) => {
        sessions.attach(io);
        sessions.attach(io.of("/chat"));
        io.of("/plain").on("connection", (socket) => socket.on("ping", (done: () => void) => done()));
      },
    });
    const mine = await node.connect();
    const tab = await node.connect(mine.token);
    const chat = mine.client.io.socket("/chat", { auth: { token: mine.token } });
    await Promise.all([gotToken(chat), next(chat.connect(), "connect")]);
    const plain = mine.client.io.socket("/plain");
    await next(plain.connect(), "connect");
    const other = await node.connect();

    const order: string[] = [];
    const over = [mine.client, tab.client, chat].map(async (client) => {
      const [[told], [reason]] = await Promise.all([
        next(client, "sessionEnd").then((content) => {
          order.push("told");
          return content;
        }),
        next(client, "disconnect").then((content) => {
          order.push("cut");
          return content;
        }),
      ]);
      return [told, reason];
    });
    await mine.session.destroy();

    expect(await nodes.row(mine.id)).toBeUndefined();
    for (const each of over) expect(await each).toEqual([{ reason: "destroyed" }, "io server disconnect"]);
    expect(order.slice(0, 1)).toEqual(["told"]);
    // The connection itself, and what else is on it, stays.
    await ask(plain, "ping");
    await other.session.set("n", 1);
    expect((await nodes.row(other.id))?.data).toEqual({ n: 1 });
    expect(other.client.connected).toBe(true);
  });

  test("lets what the handler answers right afterwards arrive", async () => {
    const node = await nodes.node({
      handlers: (io) =>
        io.on("connection", (socket) => {
          socket.on("logout", async (done: (said: string) => void) => {
            await socket.session.destroy();
            done(`bye, ${socket.session.active}`);
          });
        }),
    });
    for (let round = 0; round < 10; round++) {
      const { client } = await node.connect();
      const cut = next(client, "disconnect");
      expect(await ask(client, "logout")).toBe("bye, false");
      await cut;
    }
  });

  test("refuses every change that comes after it, and is no error again", async () => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    const keys: string[] = [];
    node.sessions.on("sessionChange", (event) => keys.push(...event.keys));
    await session.set("a", 1);
    const bystander = await nodes.lock(id);
    const deleting = node.proxy.passed("delete from");
    const destroyed = session.destroy();
    await Promise.race([deleting, destroyed]);
    const after = [session.set("b", 1), session.delete("a"), session.update((draft) => draft)].map(outcome);
    await bystander.release();
    await destroyed;
    expect(await Promise.all(after)).toEqual(["SESSION_ENDED", "SESSION_ENDED", "SESSION_ENDED"]);

    expect(await outcome(session.set("d", 1))).toBe("SESSION_ENDED");
    expect(await outcome(session.clearSession())).toBe("SESSION_ENDED");
    expect(await outcome(session.reload())).toBe("SESSION_ENDED");
    expect(await outcome(session.destroy())).toBe("resolved");
    expect([session.active, session.has("b")]).toEqual([false, false]);
    expect(keys).toEqual(["a"]);
    await node.close();
    expect(await nodes.row(id)).toBeUndefined();
  });

  test("rejects a write of another server that is under way", async () => {
    const [one, other] = [await nodes.node(), await nodes.node()];
    const here = await one.connect();
    const there = await other.connect(here.token);
    await there.session.set("n", 1);
    const cut = next(there.client, "disconnect");
    await here.session.destroy();
    expect(await outcome(there.session.set("n", 2))).toBe("SESSION_ENDED");
    await cut;
    expect(await nodes.row(here.id)).toBeUndefined();
  });

  test("leaves a socket alone that has gone on to another session", async () => {
    const node = await nodes.node();
    const { client, socket, session } = await node.connect();
    const second = await node.connect();
    const switched = gotToken(client);
    client.emit("getToken", { token: second.token });
    await switched;
    const third = await node.connect(session.id && second.token);
    await session.destroy();
    await third.session.set("n", 1);
    expect(socket.session.get("n")).toBe(1);
    expect(await outcome(session.set("n", 2))).toBe("SESSION_ENDED");
    expect(client.connected).toBe(true);
  });

  test("without a session is SESSION_MISSING", async () => {
    const node = await nodes.node();
    const client = node.client();
    await next(client, "connect");
    const [socket] = await node.io.fetchSockets();
    const { session } = node.io.sockets.sockets.get(socket?.id ?? "") ?? {};
    await expect(session?.destroy()).rejects.toMatchObject({ code: "SESSION_MISSING" });
  });
});

describe("while the store is away", () => {
  test("destroy() rejects, and the session lives on", async () => {
    const node = await nodes.node({ options: { storeTimeout: 1 } });
    const { session, client, id } = await node.connect();
    const ended: unknown[] = [];
    client.on("sessionEnd", (content) => ended.push(content));
    node.sessions.on("sessionEnd", (content) => ended.push(content));
    await session.set("n", 1);
    await node.proxy.down();
    // Finds out which connections are lost: a DELETE sent on one of them would be of uncertain outcome.
    expect(await outcome(session.reload())).toBe("SESSION_STORE_UNAVAILABLE");
    expect(await outcome(session.destroy())).toBe("SESSION_STORE_UNAVAILABLE");
    expect(await outcome(node.sessions.destroy(id))).toBe("SESSION_STORE_UNAVAILABLE");
    expect(session.active).toBe(true);
    await node.proxy.up();
    await session.set("n", 2);
    expect((await nodes.row(id))?.data).toEqual({ n: 2 });
    expect([ended, client.connected]).toEqual([[], true]);
  });

  test("a DELETE whose answer is lost is sent again", async () => {
    const node = await nodes.node();
    const { session, client, id } = await node.connect();
    const told = next(client, "sessionEnd");
    const lost = node.proxy.cutNextAnswer("delete from `session`");
    const destroyed = session.destroy();
    await lost;
    await destroyed;
    expect(await told).toEqual([{ reason: "destroyed" }]);
    expect(await nodes.row(id)).toBeUndefined();
  });
});

describe("sessions.destroy(id)", () => {
  test("ends a session that is open here", async () => {
    const node = await nodes.node();
    const { session, client, id } = await node.connect();
    const told = next(client, "sessionEnd");
    const cut = next(client, "disconnect");
    await node.sessions.destroy(id);
    expect(await told).toEqual([{ reason: "destroyed" }]);
    await cut;
    expect(await outcome(session.set("n", 1))).toBe("SESSION_ENDED");
    expect(await nodes.row(id)).toBeUndefined();
  });

  test("ends one that nobody has open, and finds nothing wrong with one that is not there", async () => {
    const [one, other] = [await nodes.node(), await nodes.node()];
    const { id } = await one.connect();
    await one.close();
    await other.sessions.destroy(id);
    expect(await nodes.row(id)).toBeUndefined();
    await other.sessions.destroy(id);
    expect(await other.sessions.find("0".repeat(32))).toBeUndefined();
  });

  test("SESSION_ID_INVALID for anything that is no id, and its message does not repeat it", async () => {
    const node = await nodes.node();
    const { id, token } = await node.connect();
    const uuid = id.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    // MySQL compares without regard to spaces at the end.
    const wrong = [token, `${id} `, `${id}\n`, id.slice(1), `0${id}`, uuid, "G".repeat(32), "%".repeat(32)];
    for (const each of [
      ...wrong,
      ...wrong.map((text) => [text]),
      "",
      null,
      undefined,
      7,
      {},
      Buffer.from(id),
    ]) {
      for (const call of [node.sessions.destroy, node.sessions.find]) {
        const error = await call(each as string).then(
          () => undefined,
          (thrown: Error) => thrown,
        );
        expect(error).toMatchObject({ code: "SESSION_ID_INVALID" });
        expect(String(error?.stack)).not.toContain(id.slice(1));
      }
    }
    if (/[a-f]/.test(id))
      expect(await outcome(node.sessions.destroy(id.toUpperCase()))).toBe("SESSION_ID_INVALID");
    expect(await nodes.row(id)).toBeDefined();
    expect(node.log.text).not.toContain(token);
  });
});

test("the token of a destroyed session opens a fresh one", async () => {
  const node = await nodes.node();
  const { session, token, id } = await node.connect();
  await session.set("n", 1);
  await session.destroy();
  const client = node.client({ auth: { token } });
  const message = await gotToken(client);
  expect(message).toMatchObject({ errors: "Session Not Found", created: true });
  expect(message.token.slice(0, 32)).not.toBe(id);
  expect((await nodes.row(message.token.slice(0, 32)))?.data).toEqual({});
  await node.close();
  expect(await nodes.row(id)).toBeUndefined();
});

test.each<[string, string, OldClient]>([
  ["socket.io-client 1.7.4", "websocket", io1],
  ["socket.io-client 1.7.4", "polling", io1],
  ["socket.io-client 2.5.0", "websocket", io2],
  ["socket.io-client 2.5.0", "polling", io2],
])("%s is told and cut too, by %s", async (_, transport, connect) => {
  const node = await nodes.node({ io: { allowEIO3: true } });
  const client = connect(node.url, { forceNew: true, transports: [transport] });
  const event = (name: string) => new Promise<unknown>((resolve) => client.on(name, resolve));
  const received = event("gotToken") as Promise<{ token: string }>;
  const [told, cut] = [event("sessionEnd"), event("disconnect")];
  client.emit("getToken", { token: "" });
  const { token } = await received;
  await node.sessions.destroy(token.slice(0, 32));
  expect(await told).toEqual({ reason: "destroyed" });
  expect(await cut).toBe("io server disconnect");
  client.close();
});
