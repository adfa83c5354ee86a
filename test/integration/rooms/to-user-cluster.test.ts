import { afterEach, describe, expect, jest, test } from "@jest/globals";
import type { Socket } from "socket.io-client";
import { describeWithRedis, hearEachOther, shardedAdapter } from "../../support/redis/redis.js";
import { ADAPTERS, type MakeAdapter, type Nodes, startNodes } from "../../support/servers/cluster.js";
import { heard, hearers, loggedIn, logIn, present } from "../../support/servers/hearing.js";
import { until, useNodes } from "../../support/servers/nodes.js";
import type { Rig } from "../../support/servers/rig.js";
import { gotToken, next, type TestServerOptions } from "../../support/servers/server.js";

// What is sent to a user and to a session by one server, heard on another.

const onDatabase = useNodes();
const adapters: readonly (readonly [string, MakeAdapter])[] = [
  ...ADAPTERS,
  ["sharded PUB/SUB", shardedAdapter],
];

describeWithRedis("two servers", () => {
  let started: Nodes | undefined;
  afterEach(() => started?.close());

  async function startTwo(makeAdapter: MakeAdapter) {
    const given: TestServerOptions = {
      databaseUrl: onDatabase.database.url,
      attach: (sessions, io) => void sessions.attach(io).attach(io.of("/chat")),
    };
    started = await startNodes(makeAdapter, [given, given]);
    const [here, there] = started.nodes as [Rig, Rig];
    await hearEachOther([here.io, there.io], "/chat");
    return { here, there };
  }

  async function chat(client: Socket, token: string): Promise<Socket> {
    const socket = client.io.socket("/chat", { auth: { token } } as never);
    await gotToken(socket);
    return socket;
  }

  /** User 7 on both servers by one session, and on the other one by a second; user 8 and nobody there. */
  async function world(makeAdapter: MakeAdapter) {
    const { here, there } = await startTwo(makeAdapter);
    const phone = await loggedIn(here, 7);
    const tab = await there.connect(phone.token);
    const [laptop, other, nobody] = await Promise.all([
      loggedIn(there, 7),
      loggedIn(there, 8),
      there.connect(),
    ]);
    const clients = {
      phone: phone.client,
      tab: tab.client,
      laptop: laptop.client,
      chat: await chat(laptop.client, laptop.token),
      other: other.client,
      nobody: nobody.client,
    };
    const toUser = (from = here) =>
      hearers(from.io, clients, (word) => from.sessions.toUser(7).emit("news", word));
    return { here, there, phone, tab, laptop, other, nobody, clients, toUser };
  }

  describe.each(adapters)("over %s", (_, makeAdapter) => {
    test("it reaches who is logged in as the user, or has the session open, on both", async () => {
      const { here, there, phone, clients, toUser } = await world(makeAdapter);
      for (const from of [here, there]) {
        expect(await toUser(from)).toBe("chat laptop phone tab");
        const toSession = (word: string) => from.sessions.toSession(phone.id).emit("news", word);
        expect(await hearers(from.io, clients, toSession)).toBe("phone tab");
      }
    });

    test("a socket that joins a room by any name, or is put into one from the other server, hears nothing", async () => {
      const { here, there, phone, nobody, toUser } = await world(makeAdapter);
      const names = ["tokenSession/user/7", "tokenSession//user/7", "7"];
      await nobody.socket.join(names);
      here.io.socketsJoin([...names, "put"]);
      here.io.in(phone.id).socketsLeave(names);
      // Nobody tells when it has been done there.
      await until(async () => there.io.of("/").adapter.rooms.has("put"));
      expect(await toUser(here)).toBe("chat laptop phone tab");
      here.io.socketsLeave([...names, "put"]);
      await until(async () => !there.io.of("/").adapter.rooms.has("put"));
      expect(await toUser(here)).toBe("chat laptop phone tab");
      expect(await toUser(there)).toBe("chat laptop phone tab");
    });

    test("the other server lets go of who is logged out as soon as it hears, and takes in who logs in", async () => {
      const { here, there, phone, clients, nobody, toUser } = await world(makeAdapter);
      const asked = next(clients.tab, "tokenChanged");
      const sent = gotToken(phone.client);
      await phone.socket.session.logout();
      await asked;
      expect(await toUser(here)).toBe("chat laptop");
      await present(clients.tab, (await sent).token);
      expect(await toUser(here)).toBe("chat laptop");
      await logIn(nobody, 7);
      expect(await toUser(here)).toBe("chat laptop nobody");
      const again = next(clients.tab, "tokenChanged");
      const token = await logIn(phone, 7);
      await again;
      expect(await toUser(there)).toBe("chat laptop nobody phone");
      await present(clients.tab, token);
      expect(await toUser(there)).toBe("chat laptop nobody phone tab");
    });

    test("acknowledgements come from both, with what an adapter has to carry", async () => {
      const { here, clients } = await world(makeAdapter);
      for (const [name, client] of Object.entries(clients))
        client.on("echo", (bytes: Buffer, done) => done([name, Buffer.concat([bytes, bytes])]));
      const bytes = Buffer.from([0, 1, 255]);
      const begin = setTimeout;
      // An adapter's timer goes on when all have answered, and would keep the process of this test alive.
      const timers = jest
        .spyOn(globalThis, "setTimeout")
        .mockImplementation(((run: () => void, ms: number) => begin(run, ms).unref()) as typeof setTimeout);
      const answers: [string, Buffer][] = await here.sessions
        .toUser(7)
        .timeout(10_000)
        .emitWithAck("echo", bytes);
      expect(answers.map(([name]) => name).sort()).toEqual(["chat", "laptop", "phone", "tab"]);
      for (const [, echo] of answers) expect([...echo]).toEqual([0, 1, 255, 0, 1, 255]);
      expect(await here.sessions.toUser("nobody").timeout(10_000).emitWithAck("echo", bytes)).toEqual([]);
      timers.mockRestore();
    });

    test("exceptions hold on the other server too, and local is here alone", async () => {
      const { here, clients, laptop } = await world(makeAdapter);
      await laptop.socket.join("quiet");
      const { sessions } = here;
      const but = (word: string) =>
        sessions
          .toUser(7)
          .except("quiet")
          .emit("news", [word, Buffer.from([1])]);
      const news = await heard(here.io, clients, () => but("a"));
      expect(Object.keys(news).sort()).toEqual(["chat", "phone", "tab"]);
      expect(news["tab"]).toEqual([["a", Buffer.from([1])]]);
      expect(await hearers(here.io, clients, (word) => sessions.toUser(7).local.emit("news", word))).toBe(
        "phone",
      );
    });
  });
});
