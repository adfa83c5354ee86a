import { expect, test } from "@jest/globals";
import { openTab } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// A socket that was cut loose and has presented the new token goes on with another object of its session, if
// nobody else of this server had it open meanwhile. Its handle must go on with that one too.

const nodes = useNodes();

async function backAgain() {
  const here = await nodes.node();
  // It finds out by what is tried, and by nothing else.
  const there = await nodes.node({ options: { clock: new HandClock(), revalidate: 20_000 } });
  const tab = await openTab(here.io, here.client());
  const other = await there.connect(tab.session.token);
  const told = next(other.client, "tokenChanged");
  await tab.handle().login("ada");
  await outcome(other.session.reload());
  await told;
  const received = gotToken(other.client);
  other.client.emit("getToken", { token: tab.session.token });
  expect(await received).toMatchObject({ errors: "" });
  expect(other.socket.session.userId).toBe("ada");
  return { tab, there, other };
}

test("a socket that has presented the new token sees what is written afterwards", async () => {
  const { tab, there, other } = await backAgain();
  await tab.handle().set("cart", ["tea"]);
  // Reads the row for whoever has the session open there.
  expect((await there.sessions.find(other.id))?.get("cart")).toEqual(["tea"]);
  expect(other.socket.session.get("cart")).toEqual(["tea"]);
});

test("a socket that has presented the new token has no part in the session after the next login", async () => {
  const { tab, there, other } = await backAgain();
  const told = next(other.client, "tokenChanged");
  await tab.handle().login("bob");
  await there.sessions.find(other.id);
  await told;
  const { active, userId } = other.socket.session;
  expect({ active, userId }).toEqual({ active: false, userId: "" });
});
