import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Server } from "socket.io";
import { io as io4 } from "socket.io-client";
import io1 from "socket.io-client-1";
import io2 from "socket.io-client-2";
import type { GotToken } from "../../../src/index.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import type { OldClient, OldSocket } from "../../support/old-package/old-client.js";
import { startServer, type TestServer } from "../../support/servers/server.js";

// Apps in people's hands today, written after the old package's README, must work unchanged.

let database: TestDatabase;
let server: TestServer | undefined;
const sockets: OldSocket[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await server?.close();
});

function handlers(io: Server): void {
  io.on("connection", (socket) => {
    socket.on("user:login", async (userId: number) => {
      await socket.session.set("userId", userId);
      socket.emit("loggedIn");
    });
    socket.on("user:securedEvent", () => socket.emit("secured", socket.session.get("userId")));
  });
}

/** The client code of that README; `storage` stands for localStorage. */
function oldApp(io: OldClient, url: string, storage: Map<string, string>, transports: string[]) {
  const socket = io(url, { forceNew: true, transports });
  sockets.push(socket);
  socket.emit("getToken", { token: storage.get("token") || "" });
  const messages: GotToken[] = [];
  const gotToken = new Promise<GotToken>((resolve) => {
    socket.on("gotToken", (message: GotToken) => {
      messages.push(message);
      if (message.token !== "") storage.set("token", message.token);
      resolve(message);
    });
  });
  const answer = (event: string) => new Promise<unknown>((resolve) => socket.on(event, resolve));
  return { socket, gotToken, messages, answer };
}

describe.each<[string, OldClient]>([
  ["socket.io-client 1.7.4", io1],
  ["socket.io-client 2.5.0", io2],
  ["socket.io-client 4", io4 as unknown as OldClient],
])("%s", (_, io) => {
  describe.each([["websocket"], ["polling"]])("by %s", (transport) => {
    test.each([[false], [true]])(
      "signs in, comes back, is still signed in (state recovery: %s)",
      async (recovery) => {
        server = await startServer({
          databaseUrl: database.url,
          io: { allowEIO3: true, ...(recovery && { connectionStateRecovery: {} }) },
          handlers,
        });
        const storage = new Map<string, string>();
        const first = oldApp(io, server.url, storage, [transport]);
        expect(await first.gotToken).toMatchObject({ errors: "", created: true });
        const loggedIn = first.answer("loggedIn");
        first.socket.emit("user:login", 7);
        await loggedIn;
        first.socket.close();

        const again = oldApp(io, server.url, storage, [transport]);
        const secured = again.answer("secured");
        again.socket.emit("user:securedEvent");
        expect(await again.gotToken).toMatchObject({
          errors: "",
          token: storage.get("token"),
          created: false,
        });
        expect(await secured).toBe(7);
        expect(again.messages).toHaveLength(1);
      },
    );
  });
});
