import { describe, expect, test } from "@jest/globals";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { TOKEN_KEY } from "../../support/clients/device.js";
import { FaultyStorage, type Held } from "../../support/clients/faulty-storage.js";
import { opened } from "../../support/clients/opened.js";
import { outcome, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// The session ends, or is left, while the storage takes its time.

const nodes = useNodes();

/** A client that has its session. */
async function started(options: { restart?: boolean } = {}) {
  const node = await nodes.node();
  const client = opened(node, { storage: new FaultyStorage("async"), ...options });
  await client.session.ready;
  const side = serverSideOf(node.io, client.socket);
  const heard = hear(client.session);
  /** As a server does it, but for the step between the two. */
  async function end(between: () => Promise<void>) {
    const [ended, gone] = [nextOf(client.session, "end"), next(client.socket, "disconnect")];
    side.emit("sessionEnd", { reason: "destroyed" });
    await ended;
    await between();
    side.disconnect();
    await gone;
  }
  return { ...client, side, heard, end };
}

/** Lets what was held go on, until nothing follows from it any more. */
async function release(held: Held): Promise<void> {
  held.release();
  for (let round = 0; round < 10; round++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a page hears whose session ends, and is followed by this one. */
function endAndStartOf({ token, id }: { readonly token: string; readonly id: string }) {
  return [
    ["end", { reason: "destroyed" }],
    ["token", token],
    ["start", { id, created: true }],
  ];
}

describe("a session that ends", () => {
  test("while its new token is being stored is followed by another, and has one end", async () => {
    const { session, storage, side, heard, end } = await started();
    const { id } = session;
    const held = storage.hold("write");
    const login = outcome(side.session.login("ada"));
    await held.reached;
    await end(() => release(held));
    await session.ready;
    expect(heard).toEqual(endAndStartOf(session));
    expect([session.id === id, storage.items.get(TOKEN_KEY), await login]).toEqual([
      false,
      session.token,
      "SESSION_NOT_CONFIRMED",
    ]);
  });

  test("while its new token is being stored leaves the socket out, and no token, without `restart`", async () => {
    const { socket, session, storage, side, heard, end } = await started({ restart: false });
    const held = storage.hold("write");
    const login = outcome(side.session.login("ada"));
    await held.reached;
    await end(() => release(held));
    await login;
    await until(async () => storage.items.size === 0);
    expect([socket.active, session.state, session.token, ...heard]).toEqual([
      false,
      "ended",
      "",
      ["end", { reason: "destroyed" }],
    ]);
  });

  test("while its token is being read to be presented has one end, and is presented no more", async () => {
    const { session, storage, heard, side, end } = await started();
    const presented: unknown[] = [];
    side.conn.on("packet", ({ data }: { data?: unknown }) => presented.push(data));
    const held = storage.hold("read");
    session.resume();
    await held.reached;
    await end(() => release(held));
    await session.ready;
    expect(heard).toEqual(endAndStartOf(session));
    expect(presented.filter((data) => String(data).includes("getToken"))).toEqual([]);
  });
});

test("use(), while a first token cannot be stored: the other identity does not take that token", async () => {
  const { socket, session, storage } = opened(await nodes.node(), { storage: new FaultyStorage("async") });
  let held: Held | undefined;
  socket.prependAny((event) => {
    if (event !== "gotToken" || held) return;
    held = storage.hold("read");
    storage.failures.read = 1;
  });
  const { token } = await gotToken(socket);
  await held?.reached;
  const used = session.use("work");
  held?.release();
  await used;
  expect(session.token).not.toBe(token);
  expect([...storage.items]).toEqual([[`${TOKEN_KEY}__work`, session.token]]);
});
