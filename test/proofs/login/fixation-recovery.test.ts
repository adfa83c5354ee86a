import { describe, expect, test } from "@jest/globals";
import { openTab } from "../../support/clients/device.js";
import { HandClock } from "../../support/clock.js";
import { cutAndComeBack, cutOff } from "../../support/servers/cut.js";
import { outcome, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// Session fixation by connection state recovery.

const nodes = useNodes();
const REFUSED = "SESSION_TOKEN_CHANGED";

async function rowFacts(id: string) {
  const [row] = await nodes.database.rows("select userId, data from session where sessionId = ?", [id]);
  return row;
}

describe.each([true, false])("a recovered socket (skipMiddlewares: %s)", (skipMiddlewares) => {
  async function recovering() {
    const clock = new HandClock();
    const node = await nodes.node({
      options: { clock, revalidate: 20_000 },
      io: { connectionStateRecovery: { skipMiddlewares } },
      // Gives a client something to recover from.
      handlers: (io) => io.on("connection", (socket) => void socket.emit("welcome")),
    });
    const victim = await openTab(node.io, node.client());
    await victim.handle().set("planted", true);
    const client = node.client({ reconnectionDelay: 1, reconnectionDelayMax: 1 });
    const welcome = next(client, "welcome");
    await next(client, "connect");
    const received = gotToken(client);
    client.emit("getToken", { token: victim.session.token });
    await Promise.all([received, welcome]);
    return { node, clock, victim, client };
  }

  test("of a thief has no part in the login: it is a new one of nobody's, and is asked for its token", async () => {
    const { node, victim, client } = await recovering();
    const thief = serverSideOf(node.io, client);
    await cutOff(node.io, client);
    await victim.handle().login("ada");
    await victim.handle().set("card", "4111");
    const told = next(client, "tokenChanged");
    client.connect();
    await next(client, "connect");
    expect(client.recovered).toBe(false);
    expect((await told)[0]).toEqual({});
    const { session } = serverSideOf(node.io, client);
    expect([session.active, session.id, session.userId, session.toJSON()]).toEqual([
      false,
      undefined,
      "",
      {},
    ]);
    expect(await outcome(session.set("stolen", 1))).toBe("SESSION_MISSING");
    expect(await outcome(session.destroy())).toBe("SESSION_MISSING");
    expect(thief.session.toJSON()).not.toHaveProperty("card");
    expect(await outcome(thief.session.set("stolen", 1))).toBe(REFUSED);
    expect(await rowFacts(victim.session.id)).toEqual({
      userId: "ada",
      data: '{"planted":true,"card":"4111"}',
    });
  });

  test("of the user's goes on when it presents the new token", async () => {
    const { node, clock, victim, client } = await recovering();
    await cutOff(node.io, client);
    await victim.handle().login("ada");
    const told = next(client, "tokenChanged");
    client.connect();
    await told;
    const received = gotToken(client);
    client.emit("getToken", { token: victim.session.token });
    expect(await received).toMatchObject({ token: victim.session.token, errors: "" });
    clock.advance(10_000);
    const { session } = serverSideOf(node.io, client);
    expect([session.active, session.userId]).toEqual([true, "ada"]);
    await session.set("n", 1);
    expect(client.connected).toBe(true);
  });

  test("that was told before it was cut off has no part in it either", async () => {
    const { node, victim, client } = await recovering();
    const told = next(client, "tokenChanged");
    await victim.handle().login("ada");
    await told;
    const again = next(client, "tokenChanged");
    await cutAndComeBack(node.io, client);
    expect(client.recovered).toBe(false);
    await again;
    expect(serverSideOf(node.io, client).session.active).toBe(false);
  });
});
