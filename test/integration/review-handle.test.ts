import { expect, test } from "@jest/globals";
import { HandClock } from "../support/clock.js";
import { openTab } from "../support/device.js";
import { outcome, useNodes } from "../support/nodes.js";
import { gotToken, next } from "../support/server.js";

const nodes = useNodes();

test("a socket that presents the new token of its session sees what is written afterwards", async () => {
  const here = await nodes.node();
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
  await tab.handle().set("cart", ["tea"]);
  // Reads the row for whoever has the session open there.
  const found = await there.sessions.find(other.id);
  expect(found?.get("cart")).toEqual(["tea"]);
  expect(other.socket.session.get("cart")).toEqual(["tea"]);
});
