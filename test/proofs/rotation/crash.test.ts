import { afterEach, expect, test } from "@jest/globals";
import { tokenSession } from "../../../client/index.js";
import { type ClientProxy, startClientProxy } from "../../support/clients/client-proxy.js";
import { device, openTab, TOKEN_KEY } from "../../support/clients/device.js";
import { poolOptions } from "../../support/database/database.js";
import { type DatabaseProxy, startProxy } from "../../support/database/proxy.js";
import { type ChildNode, Clients, startProgram } from "../../support/processes/child-node.js";
import { useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// A server dies in the midst of a login, as by `kill -9`. Its client comes back to another one.

const UPDATE = "update ";

const nodes = useNodes();
const clients = new Clients();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  clients.close();
  for (const close of closing.splice(0)) await close();
});

interface Stage {
  readonly child: ChildNode;
  readonly network: ClientProxy;
  readonly proxy: DatabaseProxy;
}

/** Kills in place of the answer to the n-th write. */
function killAtWrite(nth: number) {
  return ({ child, proxy }: Stage): Promise<void> => {
    let written = 0;
    return new Promise((resolve, reject) => {
      proxy.watchAnswers(UPDATE, (changed) => {
        if (changed !== 1 || ++written !== nth) return false;
        child.kill().then(resolve, reject);
        return true;
      });
    });
  };
}

test.each<[string, (stage: Stage) => Promise<void>, { newToken: boolean; userId: string }]>([
  ["the new hash was written", killAtWrite(1), { newToken: false, userId: "" }],
  [
    "the new token was sent, and lost",
    async ({ child, network }) => {
      await network.loseReply({ cut: false });
      await child.kill();
    },
    { newToken: false, userId: "" },
  ],
  [
    "the new token has arrived",
    async ({ child, network }) => {
      await network.loseConfirmation({ cut: false });
      await child.kill();
    },
    { newToken: true, userId: "" },
  ],
  [
    "the new token was confirmed",
    async ({ child, proxy }) => {
      await proxy.passed(UPDATE);
      const held = await proxy.hold(UPDATE);
      await child.kill();
      held.abandon();
    },
    { newToken: true, userId: "" },
  ],
  ["it took effect", killAtWrite(2), { newToken: true, userId: "ada" }],
])("killed after %s: the client is not logged out", async (_, kill, { newToken, userId }) => {
  const proxy = await startProxy(nodes.database.url);
  closing.push(() => proxy.close());
  const child = await startProgram("rotation-program.js", {
    database: poolOptions(proxy.through(nodes.database.url)),
  });
  const network = await startClientProxy(child.port);
  closing.unshift(
    () => child.kill(),
    () => network.close(),
  );
  const survivor = await nodes.node();
  const invalid: unknown[] = [];
  survivor.sessions.on("sessionInvalid", (event) => invalid.push(event));

  const storage = device();
  const client = clients.open(network.url);
  const session = tokenSession(client, { storage, key: TOKEN_KEY });
  await session.ready;
  await ask(client, "set", { cart: [1] });
  const before = session.token;

  client.io.reconnection(false);
  const cut = next(client, "disconnect");
  const killed = kill({ child, network, proxy });
  client.emit("login", "ada", () => {});
  await killed;
  await cut;
  const [row] = await nodes.database.rows<{ nextHash: Buffer | null }>(
    "select nextHash from session where sessionId = ?",
    [session.id],
  );
  expect(row?.nextHash !== null).toBe(userId === "");

  network.to(survivor.port);
  const back = gotToken(client);
  client.connect();
  expect(await back).toMatchObject({ token: session.token, errors: "", created: false });
  expect(session.token !== before).toBe(newToken);

  const handle = (await openTab(survivor.io, clients.open(survivor.url), storage)).handle();
  expect([handle.id, handle.userId, handle.toJSON()]).toEqual([before.slice(0, 32), userId, { cart: [1] }]);
  await handle.login("bob");
  expect([handle.userId, handle.toJSON()]).toEqual(["bob", { cart: [1] }]);
  const last = await openTab(survivor.io, clients.open(survivor.url), storage);
  expect([last.handle().id, last.handle().userId]).toEqual([before.slice(0, 32), "bob"]);
  expect(invalid).toEqual([]);
});
