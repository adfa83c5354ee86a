import { expect, test } from "@jest/globals";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { gotToken } from "../../support/servers/server.js";

// The whole table goes back to a backup, behind the back of those who are connected; or a new primary lacks
// what was committed last, which is the same to us.

const nodes = useNodes();

/** Makes a backup; what it gives puts that back. */
async function backUp(): Promise<() => Promise<void>> {
  const { pool } = nodes.database;
  await pool.query("drop table if exists backup");
  await pool.query("create table backup like session");
  await pool.query("insert into backup select * from session");
  return async () => {
    await pool.query("delete from session");
    await pool.query("insert into session select * from backup");
  };
}

test("sessions go on with what is restored, and what servers remember is not written back", async () => {
  const [one, other] = [await nodes.node(), await nodes.node()];
  const { session, token, id } = await one.connect();
  await session.set("n", 1);
  const restore = await backUp();
  await session.set("n", 2);
  const { session: elsewhere } = await other.connect(token);
  await elsewhere.set("lost", true);
  await restore();
  const add = () =>
    outcome(
      session.update((draft) => {
        draft["n"] = (draft["n"] as number) + 10;
      }),
    );
  // Made for the row that was; surely not written.
  expect(await add()).toBe("SESSION_STORE_UNAVAILABLE");
  expect(session.toJSON()).toEqual({ n: 1 });
  await add();
  await elsewhere.reload();
  await elsewhere.set("m", 3);
  expect((await nodes.row(id))?.data).toEqual({ n: 11, m: 3 });
  await Promise.all([session.reload(), elsewhere.reload()]);
  expect([session.toJSON(), elsewhere.toJSON()]).toEqual([
    { n: 11, m: 3 },
    { n: 11, m: 3 },
  ]);
});

test("a token that was replaced since opens as it did, the one in its place opens nothing", async () => {
  const node = await nodes.node();
  const { session, token, id, client } = await node.connect();
  await session.set("n", 1);
  const restore = await backUp();
  const given = gotToken(client);
  await session.login("ada");
  const { token: newToken } = await given;
  await restore();
  expect(await outcome(session.set("n", 2))).toBe("SESSION_STORE_UNAVAILABLE");
  expect(await outcome(session.set("n", 3))).toBe("SESSION_TOKEN_CHANGED");
  const [before, since] = [await node.connect(token), await node.connect(newToken)];
  expect([before.id, before.session.userId, before.session.get("n")]).toEqual([id, "", 1]);
  expect(since.id).not.toBe(id);
  expect((await nodes.row(id))?.data).toEqual({ n: 1 });
});

test("a session that was ended since is back, also where it was ended", async () => {
  const node = await nodes.node();
  const { session, token, id } = await node.connect();
  await session.set("n", 1);
  const restore = await backUp();
  await session.destroy();
  await restore();
  const { id: again, session: back } = await node.connect(token);
  expect([again, back.get("n")]).toEqual([id, 1]);
  await back.set("n", 2);
  expect((await nodes.row(id))?.data).toEqual({ n: 2 });
});
