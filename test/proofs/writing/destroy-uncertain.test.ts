import { expect, test } from "@jest/globals";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import type { Connected, Rig } from "../../support/servers/rig.js";
import { next } from "../../support/servers/server.js";

// A DELETE whose answer does not come in time may still run. Nobody may say that surely nothing was written.

const nodes = useNodes();

const ways: ((node: Rig, connected: Connected) => Promise<unknown>)[] = [
  (_, { session }) => session.destroy(),
  ({ sessions }, { id }) => sessions.destroy(id),
  (_, { socket }) =>
    socket.withSession((context) => {
      context.session = null;
    }),
];

test("SESSION_WRITE_UNCERTAIN, the session lives on; when the DELETE runs after all, its client is told and cut", async () => {
  const node = await nodes.node({ options: { storeTimeout: 1, revalidate: 1 } });
  const all = await Promise.all(ways.map(() => node.connect()));
  const told = all.map(({ client }) => next(client, "sessionEnd"));
  const cut = all.map(({ client }) => next(client, "disconnect"));
  // The server keeps the statements waiting; that nobody waits for their answers any more does not stop them.
  const [one, ...others] = all;
  const lock = await nodes.lock(one?.id ?? "");
  for (const { id } of others)
    await lock.connection.query("select * from session where sessionId = ? for update", [id]);

  const ends = all.map((connected, n) => outcome(ways[n]?.(node, connected) ?? Promise.resolve()));
  expect(await Promise.all(ends)).toEqual(ways.map(() => "SESSION_WRITE_UNCERTAIN"));
  for (const { session, client, id } of all) {
    expect([session.active, client.connected]).toEqual([true, true]);
    expect(await nodes.row(id)).toBeDefined();
  }

  await lock.release();
  for (const each of told) expect(await each).toEqual([{ reason: "destroyed" }]);
  for (const each of cut) expect((await each)[0]).toBe("io server disconnect");
  for (const { session, id } of all) {
    expect(session.active).toBe(false);
    expect(await nodes.row(id)).toBeUndefined();
  }
});
