import { describe, expect, test } from "@jest/globals";
import { Adapter } from "socket.io-adapter";
import type { SessionBroadcast } from "../../../src/index.js";
import { addApp } from "../../support/http/http-apps.js";
import { hearers, loggedIn, logIn, present } from "../../support/servers/hearing.js";
import { type Node, outcome, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Who hears what is sent to a user and to a session.

const nodes = useNodes();

/** Two sessions of user 7, one of user 8, one of nobody: each socket in the main namespace, and one of user 7 in another. */
async function world(given: Parameters<typeof nodes.node>[0] = {}) {
  const node = await nodes.node({
    ...given,
    attach: (sessions, io) => void sessions.attach(io).attach(io.of("/chat")),
  });
  const [phone, laptop, other, nobody] = await Promise.all([
    loggedIn(node, 7),
    loggedIn(node, "7"),
    loggedIn(node, 8),
    node.connect(),
  ]);
  const chat = phone.client.io.socket("/chat", { auth: { token: phone.token } } as never);
  await gotToken(chat);
  const clients = {
    phone: phone.client,
    chat,
    laptop: laptop.client,
    other: other.client,
    nobody: nobody.client,
  };
  const hear = (send: (word: string) => unknown) => hearers(node.io, clients, send);
  const toUser = (userId: string | number = 7) =>
    hear((word) => node.sessions.toUser(userId).emit("news", word));
  return { node, clients, phone, laptop, other, nobody, hear, toUser };
}

describe("who hears it", () => {
  test("every socket that is logged in as the user, in every session and namespace, and no other", async () => {
    const { toUser } = await world();
    expect(await toUser(7)).toBe("chat laptop phone");
    expect(await toUser("7")).toBe("chat laptop phone");
    expect(await toUser(8)).toBe("other");
    expect(await toUser("nobody")).toBe("");
  });

  test("every socket that has the session open, logged in or not", async () => {
    const { node, hear, phone, nobody } = await world();
    const toSession = (id: string) => hear((word) => node.sessions.toSession(id).emit("news", word));
    expect(await toSession(phone.id)).toBe("chat phone");
    expect(await toSession(nobody.id)).toBe("nobody");
    expect(await toSession("0".repeat(32))).toBe("");
  });

  test("from when login resolves", async () => {
    const { node, nobody, hear } = await world();
    const login = nobody.socket.session.login(7);
    expect(await hear((word) => login.then(() => node.sessions.toUser(7).emit("news", word)))).toBe(
      "chat laptop nobody phone",
    );
  });

  test("not from before logout resolves", async () => {
    const { phone, hear, node, toUser } = await world();
    const out = phone.socket.session.logout();
    expect(await hear((word) => out.then(() => node.sessions.toUser(7).emit("news", word)))).toBe("laptop");
    expect(await toUser()).toBe("laptop");
  });

  test("one that becomes somebody else's hears what is sent to that one, and nothing more", async () => {
    const { phone, clients, toUser, hear, node } = await world();
    const token = await logIn(phone, 8);
    expect([await toUser(7), await toUser(8)]).toEqual(["laptop", "other phone"]);
    // The other socket of the session has no part in it until it presents the new token.
    const toSession = (word: string) => node.sessions.toSession(phone.id).emit("news", word);
    expect(await hear(toSession)).toBe("phone");
    await present(clients.chat, token);
    expect(await toUser(8)).toBe("chat other phone");
    expect(await hear(toSession)).toBe("chat phone");
  });

  test("a socket whose token is replaced hears nothing until it presents the new one", async () => {
    const { phone, clients, toUser } = await world();
    const sent = gotToken(phone.client);
    await phone.socket.session.regenerate();
    expect(await toUser()).toBe("laptop phone");
    await present(clients.chat, phone.token);
    expect(await toUser()).toBe("laptop phone");
    await present(clients.chat, (await sent).token);
    expect(await toUser()).toBe("chat laptop phone");
  });

  test("a socket that switches to another session hears what is that one's", async () => {
    const { laptop, other, toUser } = await world();
    await present(laptop.client, other.token);
    expect([await toUser(7), await toUser(8)]).toEqual(["chat phone", "laptop other"]);
    await present(laptop.client, "");
    expect([await toUser(7), await toUser(8)]).toEqual(["chat phone", "other"]);
  });

  test.each([
    ["has ended", "destroyed", "delete from session where sessionId = ?"],
    ["has expired", "expired", "update session set expires = unix_timestamp() - 60 where sessionId = ?"],
  ])("nobody whose session %s, from when the process learns of it", async (_, reason, statement) => {
    const { node, phone, clients } = await world();
    await nodes.database.pool.query(statement, [phone.id]);
    const told = [phone.client, clients.chat].map((client) => next(client, "sessionEnd"));
    const over = [phone.client, clients.chat].map((client) => next(client, "disconnect"));
    const news: unknown[] = [];
    for (const client of [phone.client, clients.chat]) client.on("news", (word) => news.push(word));
    node.sessions.once("sessionEnd", () => {
      node.sessions.toUser(7).emit("news", "late");
      node.sessions.toSession(phone.id).emit("news", "late");
    });
    expect(await outcome(phone.socket.session.reload())).toBe("SESSION_ENDED");
    expect(await Promise.all(told)).toEqual([[{ reason }], [{ reason }]]);
    await Promise.all(over);
    expect(news).toEqual([]);
  });

  test("what another server has done, from when this one reads it; before, each server reaches its own sockets", async () => {
    const { node, phone, clients, hear, toUser } = await world();
    const elsewhere = await nodes.node();
    const there = await elsewhere.connect(phone.token);
    const all = { ...clients, there: there.client };
    expect(await hearers(node.io, clients, (word) => node.sessions.toUser(7).emit("news", word))).toBe(
      "chat laptop phone",
    );
    const send = (word: string) => elsewhere.sessions.toUser(7).emit("news", word);
    expect(await hearers(elsewhere.io, { there: all.there }, send)).toBe("there");
    // Its client does not confirm, and is let go with the session: here nobody holds the new token.
    await there.session.logout();
    expect(await toUser()).toBe("chat laptop phone");
    await phone.session.reload();
    expect(await toUser()).toBe("laptop");
    expect(await hear((word) => node.sessions.toSession(phone.id).emit("news", word))).toBe("");
  });

  test("a socket that is asking for a session it does not get stays where it is until then", async () => {
    const { node, laptop, toUser } = await world();
    const held = node.proxy.hold("coalesce(data");
    const answer = gotToken(laptop.client);
    laptop.client.emit("getToken", { token: `${"0".repeat(32)}.${"A".repeat(43)}` });
    const query = await held;
    expect(await toUser()).toBe("chat laptop phone");
    await query.release();
    expect(await answer).toMatchObject({ errors: "Session Not Found", created: true });
    expect(await toUser()).toBe("chat phone");
  });

  test.each([
    ["spaces inside", "Ada  Lovelace"],
    ["what names of rooms and channels are made of", "a/b#c:d*[e]?,f"],
    ["a name of ours", "tokenSession/user/7"],
    ["control characters", "a\0b\nc"],
    ["emoji", "😀".repeat(128)],
    ["what JavaScript has of its own", "__proto__"],
    ["0", 0],
    ["a negative number", -7],
  ])("a user id may have %s", async (_, userId) => {
    const node = await nodes.node();
    const clients = { it: (await loggedIn(node, userId)).client, seven: (await loggedIn(node, 7)).client };
    expect(await hearers(node.io, clients, (word) => node.sessions.toUser(userId).emit("news", word))).toBe(
      "it",
    );
    expect(await hearers(node.io, clients, (word) => node.sessions.toUser(7).emit("news", word))).toBe(
      "seven",
    );
  });
});

describe("names of rooms", () => {
  const names = (id: string) => [
    "tokenSession/user/7",
    "tokenSession//user/7",
    `tokenSession/session/${id}`,
    "7",
  ];

  test("who joins a room, or is put into one, by any name, hears nothing", async () => {
    const { node, nobody, phone, toUser, hear } = await world();
    await nobody.socket.join(names(phone.id));
    node.io.socketsJoin(names(phone.id));
    expect(await toUser()).toBe("chat laptop phone");
    expect(await hear((word) => node.sessions.toSession(phone.id).emit("news", word))).toBe("chat phone");
  });

  test("nobody can be taken out of one", async () => {
    const { node, phone, toUser } = await world();
    for (const name of names(phone.id)) phone.socket.leave(name);
    node.io.socketsLeave(names(phone.id));
    for (const room of phone.socket.rooms) if (room !== phone.socket.id) phone.socket.leave(room);
    expect(await toUser()).toBe("chat laptop phone");
    expect(await hearers(node.io, {}, () => node.io.in(phone.id).socketsLeave(names(phone.id)))).toBe("");
    expect(await toUser()).toBe("chat laptop phone");
  });

  test("they are in no list of rooms", async () => {
    const { node, phone, other } = await world();
    expect([...phone.socket.rooms]).toEqual([phone.socket.id]);
    for (const socket of await node.io.fetchSockets()) expect([...socket.rooms]).toEqual([socket.id]);
    // Nor after somebody has tried to join.
    await other.socket.join(names(phone.id).slice(0, -1));
    const { rooms } = node.io.of("/").adapter;
    expect([...rooms.keys()].sort()).toEqual([...node.io.sockets.sockets.keys()].sort());
  });

  test("the rooms of the application are as without us", async () => {
    const { node, phone, clients, hear } = await world();
    const adapter = node.io.of("/").adapter;
    const told: string[] = [];
    for (const event of ["create-room", "join-room", "leave-room", "delete-room"])
      adapter.on(event, (room: string) => told.push(`${event} ${room}`));
    await phone.socket.join(["a", "b"]);
    expect(await hear((word) => node.io.to("a").emit("news", word))).toBe("phone");
    expect(await hear((word) => node.io.except(["b", "a"]).emit("news", word))).toBe("laptop nobody other");
    phone.socket.leave("a");
    expect(await hear((word) => node.io.to("a").emit("news", word))).toBe("");
    const gone = next(phone.socket, "disconnect");
    clients.phone.disconnect();
    await gone;
    expect(told).toEqual([
      "create-room a",
      "join-room a",
      "create-room b",
      "join-room b",
      "leave-room a",
      "delete-room a",
      `leave-room ${phone.socket.id}`,
      `delete-room ${phone.socket.id}`,
      "leave-room b",
      "delete-room b",
    ]);
    expect(adapter.rooms.has("b")).toBe(false);
  });
});

describe("how it is sent", () => {
  test("with exceptions, and flags", async () => {
    const { node, phone, laptop, hear } = await world();
    await laptop.socket.join("quiet");
    const { sessions } = node;
    expect(await hear((word) => sessions.toUser(7).except(phone.socket.id).emit("news", word))).toBe(
      "chat laptop",
    );
    expect(
      await hear((word) => sessions.toUser(7).except(["quiet", phone.socket.id]).emit("news", word)),
    ).toBe("chat");
    const flagged = sessions.toUser(7).local.compress(false).except("quiet");
    expect(await hear((word) => flagged.emit("news", word))).toBe("chat phone");
    expect(await hear((word) => sessions.toUser(8).volatile.emit("news", word))).toBe("other");
  });

  test("what was got once can be kept, and sends to those who are there each time", async () => {
    const { node, hear, nobody } = await world();
    const kept = node.sessions.toUser(7);
    const loud = kept.except(nobody.socket.id);
    await logIn(nobody, 7);
    expect(await hear((word) => kept.emit("news", word))).toBe("chat laptop nobody phone");
    expect(await hear((word) => loud.emit("news", word))).toBe("chat laptop phone");
  });

  test("acknowledgements of all namespaces come together", async () => {
    const { node, clients } = await world();
    for (const [name, client] of Object.entries(clients))
      client.on("name", (greeting, done) => done(greeting + name));
    const answers = await node.sessions.toUser(7).timeout(10_000).emitWithAck("name", "I am ");
    expect(answers.sort()).toEqual(["I am chat", "I am laptop", "I am phone"]);
    const called = await new Promise((resolve) =>
      node.sessions
        .toUser(8)
        .timeout(10_000)
        .emit("name", "", (...args: unknown[]) => resolve(args)),
    );
    expect(called).toEqual([null, ["other"]]);
    expect(await node.sessions.toUser("nobody").timeout(10_000).emitWithAck("name", "")).toEqual([]);
  });

  test("an error tells that somebody has not answered in time, and has the answers of those who have", async () => {
    const { node, clients } = await world();
    clients.phone.on("name", (done) => done("phone"));
    clients.chat.on("name", (done) => done("chat"));
    const failure = await node.sessions
      .toUser(7)
      .timeout(200)
      .emitWithAck("name")
      .catch((error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(failure.responses.sort()).toEqual(["chat", "phone"]);
    const called = await new Promise<unknown[]>((resolve) =>
      node.sessions
        .toUser(7)
        .timeout(200)
        .emit("name", (...args: unknown[]) => resolve(args)),
    );
    expect([called[0], (called[1] as string[]).sort()]).toEqual([expect.any(Error), ["chat", "phone"]]);
  });

  test("the types are those of the events that the server sends", async () => {
    interface Sent {
      news: (word: string) => void;
      name: (greeting: string, done: (name: string) => void) => void;
    }
    const { node, clients } = await world();
    clients.other.on("name", (greeting, done) => done(`${greeting}other`));
    const toUser: SessionBroadcast<Sent> = node.sessions.toUser<Sent>(8);
    toUser.except("quiet").emit("news", "typed");
    toUser.timeout(10_000).emit("name", "", (error: Error | null, names: string[]) => [error, names]);
    const names: string[] = await toUser.timeout(10_000).emitWithAck("name", "I am ");
    expect(names).toEqual(["I am other"]);
    // @ts-expect-error an event that was not declared
    toUser.emit("new", "typed");
    // @ts-expect-error a value of another type
    toUser.emit("news", 1);
    // @ts-expect-error the answers of several clients
    const name: string = await toUser.timeout(10_000).emitWithAck("name", "");
    expect(name).toEqual(["other"]);
  });

  test("a name of Socket.IO's own is refused as Socket.IO refuses it", async () => {
    const { node } = await world();
    expect(() => node.sessions.toUser(7).emit("disconnect")).toThrow("reserved");
    expect(await outcome(node.sessions.toUser(7).emitWithAck("connect"))).toContain("reserved");
  });

  test("wrong ids are refused, and everything once the sessions are closed", async () => {
    const { node } = await world();
    const codes = (calls: (() => unknown)[]) =>
      calls.map((call) => outcome(new Promise((resolve) => resolve(call()))));
    const kept = node.sessions.toUser(7);
    const { toUser, toSession } = node.sessions;
    for (const wrong of ["", " 7", "7 ", "x".repeat(129), 1.5, Number.NaN, null, undefined, {}, "\ud800"])
      expect(await Promise.all(codes([() => toUser(wrong as never)]))).toEqual(["SESSION_USER_INVALID"]);
    for (const wrong of ["", "7", 7, null, undefined, "g".repeat(32)])
      expect(await Promise.all(codes([() => toSession(wrong as never)]))).toEqual(["SESSION_ID_INVALID"]);
    await node.io.close();
    await node.sessions.close();
    const closed = [
      () => toUser(7),
      () => toSession("0".repeat(32)),
      () => kept.emit("news"),
      () => kept.emitWithAck("news"),
    ];
    expect(await Promise.all(codes(closed))).toEqual(Array(4).fill("SESSION_CLOSED"));
  });

  test("nothing is delivered by a process that is closing, which no longer hears who has gone", async () => {
    const { node, phone, hear } = await world();
    await node.sessions.close();
    const { adapter } = node.io.of("/");
    const rooms = new Set(["tokenSession/user/7", `tokenSession/session/${phone.id}`]);
    const packet = { type: 2, data: ["news", "from elsewhere"] };
    expect(await hear(() => adapter.broadcast(packet, { rooms, except: new Set() }))).toBe("");
  });
});

describe("where it is sent from", () => {
  test("a request, before any socket has connected and after", async () => {
    const node = await nodes.node();
    let id = "";
    await addApp("Express", node, async (session, path) => {
      if (path === "/login") await session.login(7);
      id = session.id ?? "";
      node.sessions.toUser(session.userId || 7).emit("news", path);
      node.sessions.toSession(id).emit("news", "session");
      return {};
    });
    const { client, token } = await node.connect();
    const bearer = { headers: { authorization: `Bearer ${token}` } };
    const response = await fetch(`${node.url}/login`, bearer);
    const fresh = response.headers.get("session-token") ?? "";
    await present(client, fresh);
    expect(serverSideOf(node.io, client).session.userId).toBe("7");
    const both = [
      next(client, "news"),
      new Promise((resolve) => client.on("news", (word) => word === "session" && resolve(word))),
    ];
    await fetch(`${node.url}/say`, { headers: { authorization: `Bearer ${fresh}` } });
    expect(await Promise.all(both)).toEqual([["/say"], "session"]);
    expect(token.slice(0, 32)).toBe(id);
  });

  test("sessions that are attached to nothing: nobody hears it, and nobody answers", async () => {
    const node = await nodes.node({ attach: () => {} });
    expect(node.sessions.toUser(7).emit("news")).toBe(true);
    expect(await node.sessions.toUser(7).timeout(1000).emitWithAck("news")).toEqual([]);
  });

  test("a namespace of other sessions hears nothing of these", async () => {
    const node = await nodes.node();
    const another = await nodes.node({ attach: (sessions) => void sessions.attach(node.io.of("/other")) });
    const { client, token } = await loggedIn(node, 7);
    const other = client.io.socket("/other", { auth: { token } } as never);
    await gotToken(other);
    const clients = { client, other };
    const of =
      ({ sessions }: Node) =>
      (word: string) =>
        sessions.toUser(7).emit("news", word);
    expect(await hearers(node.io, clients, of(node))).toBe("client");
    expect(await hearers(node.io, clients, of(another))).toBe("other");
  });

  test.each([
    ["kept when they are empty", false],
    ["closed when they are empty", true],
  ])("children of a dynamic namespace, %s", async (_, cleanupEmptyChildNamespaces) => {
    const node = await nodes.node({
      io: { cleanupEmptyChildNamespaces },
      attach: (sessions, io) => void sessions.attach(io).attach(io.of(/^\/team-\d+$/)),
    });
    const { client, token } = await loggedIn(node, 7);
    const open = async (namespace: string) => {
      const socket = client.io.socket(namespace, { auth: { token } } as never);
      await gotToken(socket);
      return socket;
    };
    const [one, two] = await Promise.all([open("/team-1"), open("/team-2")]);
    const send = (word: string) => node.sessions.toUser(7).emit("news", word);
    expect(await hearers(node.io, { client, one, two }, send)).toBe("client one two");
    const gone = next(node.io.of("/team-2").sockets.values().next().value, "disconnect");
    two.disconnect();
    await gone;
    expect(await hearers(node.io, { client, one }, send)).toBe("client one");
    two.connect();
    await gotToken(two);
    expect(await hearers(node.io, { client, one, two }, send)).toBe("client one two");
  });

  test("a server that is given another adapter after it was attached", async () => {
    const node = await nodes.node({
      handlers: (io) => void io.adapter(class Later extends Adapter {}),
    });
    const { client } = await loggedIn(node, 7);
    const nobody = await node.connect();
    await nobody.socket.join(["tokenSession/user/7"]);
    expect(node.io.of("/").adapter.constructor.name).toBe("Later");
    const send = (word: string) => node.sessions.toUser(7).emit("news", word);
    expect(await hearers(node.io, { client, nobody: nobody.client }, send)).toBe("client");
  });
});
