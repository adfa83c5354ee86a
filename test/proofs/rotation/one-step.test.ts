import { expect, test } from "@jest/globals";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// A client that never acknowledges a new token gets it in one step: the old one ends in the write that makes
// the new one good.

const UPDATE = "update ";

const nodes = useNodes();

async function oneStep(options = {}) {
  const node = await nodes.node({ options });
  const client = node.client({ auth: { token: "" } });
  const { token } = await gotToken(client);
  const sent: string[] = [];
  client.on("gotToken", (message: { token: string }) => sent.push(message.token));
  return { node, client, token, sent, session: serverSideOf(node.io, client).session };
}

test("hear of a new token only when it has taken effect, in one write", async () => {
  const { node, client, token, sent, session } = await oneStep();
  const elsewhere = await nodes.node();
  const got = gotToken(client);
  const holding = node.proxy.hold(UPDATE);
  const login = outcome(session.login("ada"));
  const held = await holding;
  expect([(await elsewhere.connect(token)).token, sent]).toEqual([token, []]);
  expect(await held.release()).toBe(1);
  expect(await login).toBe("resolved");
  const now = (await got).token;
  expect(now).not.toBe(token);
  expect(session.userId).toBe("ada");
  expect((await node.connect(now)).session.userId).toBe("ada");
  expect((await node.connect(token)).id).not.toBe(token.slice(0, 32));
});

test("keep the old one where the database was away", async () => {
  const { node, token, sent, session } = await oneStep({ storeTimeout: 1 });
  await node.proxy.down();
  expect(await outcome(session.login("ada"))).toMatch(/SESSION_(STORE_UNAVAILABLE|WRITE_UNCERTAIN)/);
  await node.proxy.up();
  const back = await node.connect(token);
  expect([back.token, back.session.userId, sent]).toEqual([token, "", []]);
  expect(await outcome(session.login("ada"))).toBe("resolved");
});

test("two sockets at once: one has the new token, the other is told and has no part", async () => {
  const { node, client, token, session } = await oneStep();
  const other = await node.connect(token);
  const asked = Promise.race([next(client, "tokenChanged"), next(other.client, "tokenChanged")]);
  const sent = Promise.race([gotToken(client), gotToken(other.client)]);
  const both = await Promise.all([outcome(session.login("ada")), outcome(other.session.login("bob"))]);
  expect(both).toEqual(["resolved", "SESSION_TOKEN_CHANGED"]);
  await asked;
  expect([session.active, session.userId, other.session.active]).toEqual([true, "ada", false]);
  expect((await node.connect((await sent).token)).session.userId).toBe("ada");
});
