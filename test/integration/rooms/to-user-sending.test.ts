import { describe, expect, test } from "@jest/globals";
import { Adapter } from "socket.io-adapter";
import type { SessionBroadcast } from "../../../src/index.js";
import { addApp } from "../../support/http/http-apps.js";
import { audience } from "../../support/servers/audience.js";
import { hearers, loggedIn, logIn, present } from "../../support/servers/hearing.js";
import { type Node, outcome, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// How, and where from, something is sent to a user or a session.

const nodes = useNodes();

describe("how it is sent", () => {
  test("with exceptions, and flags", async () => {
    const { node, phone, laptop, hear } = await audience(nodes);
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
    const { node, hear, nobody } = await audience(nodes);
    const kept = node.sessions.toUser(7);
    const loud = kept.except(nobody.socket.id);
    await logIn(nobody, 7);
    expect(await hear((word) => kept.emit("news", word))).toBe("chat laptop nobody phone");
    expect(await hear((word) => loud.emit("news", word))).toBe("chat laptop phone");
  });

  test("acknowledgements of all namespaces come together", async () => {
    const { node, clients } = await audience(nodes);
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
    const { node, clients } = await audience(nodes);
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
    const { node, clients } = await audience(nodes);
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
    const { node } = await audience(nodes);
    expect(() => node.sessions.toUser(7).emit("disconnect")).toThrow("reserved");
    expect(await outcome(node.sessions.toUser(7).emitWithAck("connect"))).toContain("reserved");
  });

  test("wrong ids are refused, and everything once the sessions are closed", async () => {
    const { node } = await audience(nodes);
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
    const { node, phone, hear } = await audience(nodes);
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
