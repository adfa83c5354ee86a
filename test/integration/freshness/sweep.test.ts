import { describe, expect, test } from "@jest/globals";
import { useNodes } from "../../support/servers/nodes.js";
import { gotToken, next } from "../../support/servers/server.js";

// Two servers without a cluster adapter: what one writes or ends, the other notices by comparing with the
// rows.

const nodes = useNodes();

const options = { revalidate: 1 };

const takeAway = "delete from session where sessionId = ?";

describe("the sweep", () => {
  test("shows what another server wrote, and says which keys", async () => {
    const [one, other] = [await nodes.node({ options }), await nodes.node({ options })];
    const here = await one.connect();
    await here.session.set({ stays: 1, goes: 1 });
    const there = await other.connect(here.token);
    const noticed = next(other.sessions, "sessionChange");
    await here.session.set({ comes: 1, goes: undefined });
    expect(there.session.has("comes")).toBe(false);
    const [event] = (await noticed) as [{ sessionId: string; keys: string[] }];
    expect(event.sessionId).toBe(here.id);
    expect([...event.keys].sort()).toEqual(["comes", "goes"]);
    expect(there.session.toJSON()).toEqual({ stays: 1, comes: 1 });
  });

  test("shows what somebody wrote by hand with a new revision", async () => {
    const node = await nodes.node({ options });
    const { session, id } = await node.connect();
    const noticed = next(node.sessions, "sessionChange");
    await nodes.database.pool.query(
      `update session set data = '{"by":"hand"}', revision = revision + 1 where sessionId = ?`,
      [id],
    );
    expect(await noticed).toEqual([{ sessionId: id, keys: ["by"] }]);
    expect(session.get("by")).toBe("hand");
  });

  test("ends here what another server destroyed: everybody is told and cut", async () => {
    const [one, other] = [await nodes.node({ options }), await nodes.node({ options })];
    const here = await one.connect();
    const there = await other.connect(here.token);
    const tab = await other.connect(here.token);
    const bystander = await other.connect();
    const ended = next(other.sessions, "sessionEnd");
    const told = [there, tab].map(({ client }) => next(client, "sessionEnd"));
    const cut = [there, tab].map(({ client }) => next(client, "disconnect"));
    await here.session.destroy();
    expect(await ended).toEqual([{ sessionId: here.id, reason: "destroyed" }]);
    for (const each of told) expect(await each).toEqual([{ reason: "destroyed" }]);
    await Promise.all(cut);
    expect(there.session.active).toBe(false);
    expect(bystander.client.connected).toBe(true);
    expect(bystander.session.active).toBe(true);
  });

  test("compares hundreds of sessions, and finds the few that moved", async () => {
    const node = await nodes.node({ options });
    // More than one statement's worth, live without sockets.
    const { registryOf } = await import("../../../src/registry/registry-of.js");
    const registry = registryOf(node.sessions);
    const minted = await Promise.all(Array.from({ length: 300 }, () => registry?.mint(null)));
    const ids = minted.map((each) => each?.session.id ?? "");
    const moved = [ids[0], ids[150], ids[299]];
    const seen = new Set<string>();
    const allSeen = new Promise<void>((resolve) => {
      node.sessions.on("sessionChange", ({ sessionId }) => {
        if (seen.add(sessionId).size === moved.length) resolve();
      });
    });
    await nodes.database.pool.query(
      `update session set data = '{"n":1}', revision = revision + 1 where sessionId in (?)`,
      [moved],
    );
    await allSeen;
    expect([...seen].sort()).toEqual([...moved].sort());
    for (const each of minted) if (each) registry?.release(each.session);
  });
});

describe("one missing read is not gone", () => {
  test("a row that comes back within two seconds: the session lives", async () => {
    const node = await nodes.node({ options });
    const { session, client, id } = await node.connect();
    await session.set("n", 1);
    const ended: unknown[] = [];
    node.sessions.on("sessionEnd", (event) => ended.push(event));
    const [row] = await nodes.database.rows("select * from session where sessionId = ?", [id]);
    await nodes.database.pool.query(takeAway, [id]);
    // The sweep finds it missing; then the row is read, which is the first look of those that decide.
    await node.proxy.passed("coalesce(data");
    await nodes.database.pool.query("insert into session set ?", [
      { ...row, revision: Number(row?.["revision"]) + 1 },
    ]);
    await session.reload();
    await session.set("n", 2);
    expect((await nodes.row(id))?.data).toEqual({ n: 2 });
    expect([ended, session.active, client.connected]).toEqual([[], true, true]);
  });

  test("nor is a write that finds no row while it is away for a moment", async () => {
    const node = await nodes.node();
    const { session, id } = await node.connect();
    await session.set("n", 1);
    const [row] = await nodes.database.rows("select * from session where sessionId = ?", [id]);
    await nodes.database.pool.query(takeAway, [id]);
    const looked = node.proxy.passed("coalesce(data");
    const set = session.set("n", 2);
    await looked;
    await nodes.database.pool.query("insert into session set ?", [row]);
    await set;
    expect((await nodes.row(id))?.data).toEqual({ n: 2 });
    expect(session.active).toBe(true);
  });

  test("a row that stays away: destroyed", async () => {
    const node = await nodes.node({ options });
    const { session, client, id } = await node.connect();
    await session.set("n", 1);
    const ended = next(node.sessions, "sessionEnd");
    const told = next(client, "sessionEnd");
    await nodes.database.pool.query(takeAway, [id]);
    expect(await ended).toEqual([{ sessionId: id, reason: "destroyed" }]);
    expect(await told).toEqual([{ reason: "destroyed" }]);
  });

  test("a token just issued whose row is not here yet is looked up again", async () => {
    const [one, other] = [await nodes.node(), await nodes.node()];
    const { session, token, id } = await one.connect();
    await session.set("n", 1);
    const [row] = await nodes.database.rows("select * from session where sessionId = ?", [id]);
    await nodes.database.pool.query(takeAway, [id]);
    const looked = other.proxy.passed(id);
    const client = other.client({ auth: { token } });
    const received = gotToken(client);
    await looked;
    await nodes.database.pool.query("insert into session set ?", [row]);
    expect(await received).toMatchObject({ token, errors: "", created: false });
  });
});

describe("while the store is away", () => {
  test("the sweep ends nothing, says so once, and once that it is over", async () => {
    const node = await nodes.node({ options: { ...options, storeTimeout: 1 } });
    const here = await node.connect();
    const ended: unknown[] = [];
    node.sessions.on("sessionEnd", (event) => ended.push(event));
    await node.proxy.down();
    await node.log.line(/cannot be compared with the store/);
    // A few sweeps more, told by the connections that they try.
    await here.session.set("n", 1).catch(() => {});
    await here.session.set("n", 2).catch(() => {});
    await node.proxy.up();
    await node.log.line(/can be compared with the store again/);
    const said = node.log.lines.filter(({ text }) => text.includes("compared"));
    expect(said.map(({ text }) => text.replace(/:.*/, ""))).toEqual([
      "live sessions cannot be compared with the store",
      "live sessions can be compared with the store again",
    ]);
    expect([ended, here.session.active, here.client.connected]).toEqual([[], true, true]);
    await here.session.set("n", 3);
    expect((await nodes.row(here.id))?.data).toEqual({ n: 3 });
  });
});
