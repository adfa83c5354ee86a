import { describe, expect, test } from "@jest/globals";
import { audience } from "../../support/servers/audience.js";
import { hearers } from "../../support/servers/hearing.js";
import { useNodes } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";

// What is sent to a user or a session goes by no name of a room that an application could use.

const nodes = useNodes();

describe("names of rooms", () => {
  const names = (id: string) => [
    "tokenSession/user/7",
    "tokenSession//user/7",
    `tokenSession/session/${id}`,
    "7",
  ];

  test("who joins a room, or is put into one, by any name, hears nothing", async () => {
    const { node, nobody, phone, toUser, hear } = await audience(nodes);
    await nobody.socket.join(names(phone.id));
    node.io.socketsJoin(names(phone.id));
    expect(await toUser()).toBe("chat laptop phone");
    expect(await hear((word) => node.sessions.toSession(phone.id).emit("news", word))).toBe("chat phone");
  });

  test("nobody can be taken out of one", async () => {
    const { node, phone, toUser } = await audience(nodes);
    for (const name of names(phone.id)) phone.socket.leave(name);
    node.io.socketsLeave(names(phone.id));
    for (const room of phone.socket.rooms) if (room !== phone.socket.id) phone.socket.leave(room);
    expect(await toUser()).toBe("chat laptop phone");
    expect(await hearers(node.io, {}, () => node.io.in(phone.id).socketsLeave(names(phone.id)))).toBe("");
    expect(await toUser()).toBe("chat laptop phone");
  });

  test("they are in no list of rooms", async () => {
    const { node, phone, other } = await audience(nodes);
    expect([...phone.socket.rooms]).toEqual([phone.socket.id]);
    for (const socket of await node.io.fetchSockets()) expect([...socket.rooms]).toEqual([socket.id]);
    // Nor after somebody has tried to join.
    await other.socket.join(names(phone.id).slice(0, -1));
    const { rooms } = node.io.of("/").adapter;
    expect([...rooms.keys()].sort()).toEqual([...node.io.sockets.sockets.keys()].sort());
  });

  test("the rooms of the application are as without us", async () => {
    const { node, phone, clients, hear } = await audience(nodes);
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
