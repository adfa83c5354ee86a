import { afterEach, expect, test } from "@jest/globals";
import { Manager, io as realIo, type Socket } from "socket.io-client";
import { addConnectWithSession } from "../../../client/connect-with-session.js";
import { tokenSession } from "../../../client/index.js";
import { device, TOKEN_KEY } from "../../support/clients/device.js";
import { useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";

// For apps that were written for Socket.IO-sessions: io.connectWithSession(url, options).

const nodes = useNodes();
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.disconnect();
});

/** `io` of a page, which must not be shared with other tests. */
function pageIo() {
  return Object.assign((...given: Parameters<typeof realIo>) => realIo(...given), { Manager });
}

test("connects as io(url, options) does, with a session", async () => {
  const node = await nodes.node();
  const storage = device();
  const io = pageIo();
  addConnectWithSession(io, { storage, key: TOKEN_KEY });
  const options = { forceNew: true, transports: ["websocket"], auth: { user: "bob" } };
  const socket = io.connectWithSession(node.url, options);
  sockets.push(socket);
  const session = tokenSession(socket);
  await session.ready;
  expect(storage.items).toEqual(new Map([[TOKEN_KEY, session.token]]));
  const side = serverSideOf(node.io, socket);
  expect(side.session.id).toBe(session.id);
  expect(side.handshake.auth).toMatchObject({ user: "bob" });

  const again = io.connectWithSession(node.url, options);
  sockets.push(again);
  await tokenSession(again).ready;
  expect(tokenSession(again).token).toBe(session.token);
});

test("leaves io as it was otherwise: sockets of io(url) have no session", async () => {
  const node = await nodes.node();
  const io = pageIo();
  addConnectWithSession(io, { storage: device() });
  expect(io.Manager).toBe(Manager);
  const socket = io(node.url, { forceNew: true, autoConnect: false });
  expect([socket.auth, socket.listeners("gotToken" as "connect")]).toEqual([undefined, []]);
});
