import { expect, test } from "@jest/globals";
import { useNodes } from "../../support/servers/nodes.js";

const nodes = useNodes();

test("of a few rows that are written together, one that somebody has locked holds up no other", async () => {
  const node = await nodes.node();
  const clients = [];
  for (let n = 0; n < 3; n++) clients.push(await node.connect());
  const [locked, ...others] = clients as [(typeof clients)[number], ...typeof clients];
  const lock = await nodes.lock(locked.id);
  for (const value of ["first", "second"]) {
    // On MariaDB the first statement finds the lock; the next one reckons with it.
    const leavingOut = node.proxy.passed("for update skip locked");
    const held = locked.session.set("value", value);
    await Promise.all(others.map(({ session }) => session.set("value", value)));
    await leavingOut;
    for (const { id } of others) expect((await nodes.row(id))?.data).toEqual({ value });
    expect((await nodes.row(locked.id))?.data).toEqual({});
    void held;
  }
  await lock.release();
  await locked.session.set("value", "third");
  expect((await nodes.row(locked.id))?.data).toEqual({ value: "third" });
});
