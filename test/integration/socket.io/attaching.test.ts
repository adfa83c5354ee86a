import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Socket } from "socket.io";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// Which namespaces have sessions, and what middleware beside ours sees of them.

let database: TestDatabase;
let server: TestServer | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(() => server?.close());

describe("attaching", () => {
  test("a namespace of its own; others say that they have none", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: (sessions, io) => void sessions.attach(io.of("/chat")),
      handlers: (io) => {
        for (const name of ["/", "/chat"]) {
          io.of(name).on("connection", (socket: Socket) =>
            socket.on("active", (done: (said: unknown) => void) => {
              try {
                done(socket.session.active);
              } catch (error) {
                done((error as { code: string }).code);
              }
            }),
          );
        }
      },
    });
    const main = server.client();
    expect(await ask(main, "active")).toBe("SESSION_NOT_ATTACHED");
    const chat = main.io.socket("/chat", { auth: { token: "" } });
    expect(await gotToken(chat)).toMatchObject({ created: true });
    expect(await ask(chat, "active")).toBe(true);
  });

  test("namespaces that come later, by a pattern", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: (sessions, io) => void sessions.attach(io.of(/^\/room-\d+$/)),
    });
    const manager = server.client().io;
    for (const name of ["/room-1", "/room-2"]) {
      expect(await gotToken(manager.socket(name, { auth: { token: "" } }))).toMatchObject({ created: true });
    }
  });

  test("twice, in either form, opens once", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: (sessions, io) => {
        expect(sessions.attach(io)).toBe(sessions);
        io.use(sessions);
        sessions.attach(io.of("/"));
      },
    });
    const client = server.client({ auth: { token: "" } });
    const messages: unknown[] = [];
    client.on("gotToken", (message) => messages.push(message));
    await gotToken(client);
    await ask(client, "getToken", { token: "" });
    expect(messages).toHaveLength(2);
  });

  test("two token sessions on one namespace are refused, and so is what is no server", async () => {
    server = await startServer({ databaseUrl: database.url });
    const { sessions, io } = server;
    const other = await startServer({ databaseUrl: database.url, attach: () => {} });
    expect(() => other.sessions.attach(io)).toThrow(
      expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
    );
    for (const wrong of [undefined, null, {}, "io", () => {}]) {
      expect(() => sessions.attach(wrong as never)).toThrow(
        expect.objectContaining({ code: "SESSION_OPTION_INVALID" }),
      );
    }
    await other.close();
  });

  test("a middleware that comes after sees the session; one that refuses is heard", async () => {
    server = await startServer({
      databaseUrl: database.url,
      handlers: (io) =>
        io.use((socket, done) => done(socket.session.get("banned") ? new Error("banned") : undefined)),
    });
    const first = server.client({ auth: { token: "" } });
    const { token } = await gotToken(first);
    await serverSideOf(server.io, first).session.set("banned", true);
    const [error] = await next(server.client({ auth: { token } }), "connect_error");
    expect((error as Error).message).toBe("banned");
  });

  test("a namespace without sessions may keep something of its own under socket.session", async () => {
    server = await startServer({
      databaseUrl: database.url,
      attach: () => {},
      handlers: (io) =>
        io.on("connection", (socket) => {
          (socket as { session: unknown }).session = "mine";
          socket.emit("mine", socket.session);
        }),
    });
    expect(await next(server.client(), "mine")).toEqual(["mine"]);
  });
});
