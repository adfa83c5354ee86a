import { expect, test } from "@jest/globals";
import { nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage } from "../../support/clients/faulty-storage.js";
import { cut, opened } from "../../support/clients/opened.js";
import { cutOff } from "../../support/servers/cut.js";
import { useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// What was forgotten, here or by another tab, while the connection was lost or the page did something else.

const nodes = useNodes();

test.each([
  ["forget()", (session: ReturnType<typeof opened>["session"]) => session.forget()],
  ["use()", (session: ReturnType<typeof opened>["session"]) => session.use("work")],
])("after %s while the connection is lost nothing of the old session is recovered", async (_, leave) => {
  const node = await nodes.node({ io: { connectionStateRecovery: {} } });
  const seen: { recovered: boolean; rooms: string[] }[] = [];
  node.io.on("connection", (socket) => {
    seen.push({ recovered: socket.recovered, rooms: [...socket.rooms].filter((room) => room !== socket.id) });
    if (seen.length === 1) void socket.join("user:7");
    socket.emit("hello");
  });
  const { socket, session } = opened(node);
  const heard: string[] = [];
  socket.on("secret", (text: string) => heard.push(text));
  await next(socket, "hello");
  const { id } = session;
  await cutOff(node.io, socket);
  node.io.to("user:7").emit("secret", "missed");
  const hello = next(socket, "hello");
  await leave(session);
  await hello;
  await session.ready;
  expect(session.id).not.toBe(id);
  expect(seen.slice(1)).toEqual([{ recovered: false, rooms: [] }]);
  expect(heard).toEqual([]);
});

test("a token is not stored over another tab's forget() of which nothing has been heard yet", async () => {
  const node = await nodes.node();
  const { socket, session, storage } = opened(node);
  await session.ready;
  storage.items.set(TOKEN_KEY, "");
  const { id } = session;
  const login = serverSideOf(node.io, socket).session.login("ada");
  await expect(login).rejects.toMatchObject({ code: "SESSION_NOT_CONFIRMED" });
  await session.ready;
  expect(session.id).not.toBe(id);
});

test("what was forgotten while the connection was lost has ended here too", async () => {
  const node = await nodes.node();
  const { socket, session, storage, heard } = opened(node);
  await session.ready;
  await cut(socket);
  storage.items.set(TOKEN_KEY, "");
  const ended = nextOf(session, "end");
  expect(await ended).toEqual({ reason: "forgotten" });
  await session.ready;
  expect(heard.map(([name]) => name).filter((name) => name !== "token")).toEqual(["start", "end", "start"]);
});

test("a socket that the application disconnected stays out when another one of the page forgets the token", async () => {
  const node = await nodes.node();
  const storage = new FaultyStorage();
  const one = opened(node, { storage });
  await one.session.ready;
  const other = opened(node, { storage });
  await other.session.ready;
  await cut(one.socket);
  one.socket.disconnect();
  const ended = nextOf(one.session, "end");
  await other.session.forget();
  await ended;
  await other.session.ready;
  expect([one.socket.active, one.session.state]).toEqual([false, "ended"]);
});
