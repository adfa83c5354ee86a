import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { type ChildNode, Clients, startChild } from "../../support/processes/child-node.js";
import {
  describeWithRedis,
  type Monitor,
  newPrefix,
  redisUrl,
  startMonitor,
} from "../../support/redis/redis.js";
import { Secrets, unescapeMonitor } from "../../support/secrets.js";
import { NO_SWEEP } from "../../support/servers/cluster.js";
import { until } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// Tokens, their secrets and the hashes of these, searched for in everything that several nodes say, keep and
// show each other.

const VALUE = "4111-1111-1111-1111";

test.each(["", "in base64"])("the search finds each form in what MessagePack makes of it %s", (how) => {
  const secrets = new Secrets();
  secrets.add(`018f${"0".repeat(28)}.${"-Z_9".repeat(10)}abw`);
  let forms = 0;
  for (const [text, what] of secrets.forms) {
    forms++;
    const bytes = Buffer.from(text, "latin1");
    const packed = Buffer.concat([Buffer.from([0x81, 0xa1, 0x64, 0xc4, bytes.length]), bytes]);
    expect(secrets.in(how ? `SET ${packed.toString("base64")}` : packed)).toContain(what);
  }
  expect(forms).toBeGreaterThanOrEqual(12);
  expect(secrets.in("0".repeat(500), Buffer.alloc(500))).toEqual([]);
});

describeWithRedis("two nodes", () => {
  let database: TestDatabase;
  let monitor: Monitor;
  const clients = new Clients();

  beforeAll(async () => {
    database = await createTestDatabase();
    monitor = await startMonitor(redisUrl());
  });
  afterAll(async () => {
    await monitor?.stop();
    await database.drop();
  });

  describe.each([
    { adapter: "streams", recovery: true },
    { adapter: "streams", recovery: false },
    { adapter: "redis", recovery: true },
    { adapter: "redis", recovery: false },
  ] as const)("over $adapter, recovery $recovery", ({ adapter, recovery }) => {
    const secrets = new Secrets();
    let here: ChildNode;
    let there: ChildNode;
    let token: string;
    let overheard = "";

    beforeAll(async () => {
      const settings = {
        databaseUrl: database.url,
        adapter,
        prefix: newPrefix(),
        options: NO_SWEEP,
        ...(recovery && { io: { connectionStateRecovery: {} } }),
      };
      [here, there] = await Promise.all([startChild(settings), startChild(settings)]);
      await Promise.all([here.call("hear", 2), there.call("hear", 2)]);
      await live();
    });
    afterAll(async () => {
      clients.close();
      await Promise.all([here.stop(), there.stop()]);
    });

    /** A life with everything in it, by both paths. */
    async function live(): Promise<void> {
      // Never asks, and hears what everybody hears.
      clients.open(here.url).onAny((...event) => {
        overheard += JSON.stringify(event);
      });
      const first = clients.open(here.url, {
        auth: { token: "", confirm: true, client: { device: "Pixel" } },
      });
      first.on("gotToken", (_message, confirm?: () => void) => confirm?.());
      const welcome = next(first, "welcome");
      token = (await gotToken(first)).token;
      await welcome;
      const other = clients.open(there.url);
      const greeted = next(other, "welcome");
      await ask(other, "getToken", { token });
      await greeted;
      const second = await ask<{ token: string }>(clients.open(there.url), "getToken", { token: "" });
      const third = clients.open(here.url, { auth: { token: second.token } });
      await gotToken(third);
      for (const { token: each } of [{ token }, second]) secrets.add(each);

      for (const [socket, event, ...args] of [
        [first, "set", "card", VALUE],
        [other, "add", "n"],
        [first, "put", "card", `${VALUE}-2`],
      ] as const)
        expect(await ask(socket, event, ...args)).toBe("");
      // Something to log.
      expect(await ask(first, "set", "card", VALUE.repeat(5_000))).toBe("SESSION_TOO_LARGE");
      const forged = `${token.slice(0, 33)}${second.token.slice(33)}`;
      secrets.add(
        (await ask<{ token: string }>(clients.open(there.url), "getToken", { token: forged })).token,
      );

      // Both lose their connection; the second is never asked for its token again.
      first.auth = { token };
      const again = gotToken(first);
      const back = next(other, "connect");
      const ids = [first.id, other.id];
      for (const { io } of [first, other]) {
        io.reconnection(false);
        io.engine.close();
      }
      // A server that has not noticed yet has nothing to give back.
      await until(async () => {
        const there = await here.call<{ id: string }[]>("sockets");
        return there.every(({ id }) => !ids.includes(id));
      });
      for (const client of [first, other]) client.connect();
      await Promise.all([again, back]);
      for (const { recovered = false } of [first, other])
        expect(recovered).toBe(recovery && adapter === "streams");
      await ask(other, "getToken", { token });

      const over = next(third, "disconnect");
      expect(await ask(third, "destroy")).toBe("");
      await over;
    }

    /** Every place but the rows, each as text or bytes. */
    async function places() {
      return {
        "the logs": (await here.logged()) + (await there.logged()),
        "what the other node sees": JSON.stringify([await here.call("sockets"), await there.call("sockets")]),
        "what Redis was told": unescapeMonitor(await monitor.text()),
        "what Redis keeps": JSON.stringify(await here.call("kept")),
        "what others heard": overheard,
      };
    }

    async function cells(): Promise<{ column: string; content: string | Uint8Array }[]> {
      const rows = await database.rows("select * from session");
      return rows.flatMap((row) =>
        Object.entries(row).map(([column, value]) => ({
          column,
          content: Buffer.isBuffer(value) ? value : String(value),
        })),
      );
    }

    test("say, keep and show no secret", async () => {
      const all = await places();
      const found = Object.entries(all).map(([place, text]) => [place, secrets.in(text)]);
      expect(found).toEqual(Object.keys(all).map((place) => [place, []]));
      // It has been looked for where something was.
      const id = token.slice(0, 32);
      expect(all["the logs"]).toContain(`"sessionId":"${id}"`);
      // The note for recovery is written only where there is recovery; the handshake is shown in any case.
      expect(all["what the other node sees"]).toContain('"auth":{}');
      expect(all["what the other node sees"].includes(`"sessionId":"${id}"`)).toBe(recovery);
      expect(all["what Redis was told"]).toContain(id);
      expect(all["what others heard"]).toContain("welcome");
      expect(all["what Redis keeps"].includes("welcome")).toBe(adapter === "streams" && recovery);
      for (const [place, text] of Object.entries(all))
        expect([place, text.includes(VALUE)]).toEqual([place, false]);
    });

    test("keep of a secret its hash alone, in its own column", async () => {
      const all = await cells();
      const found = all.map(({ column, content }) => [column, secrets.in(content)] as const);
      const where = found.filter(([, what]) => what.length > 0);
      expect(new Set(where.map(([column]) => column))).toEqual(new Set(["secretHash"]));
      expect(new Set(where.flatMap(([, what]) => what))).toEqual(new Set(["hash"]));
    });

    test("would be caught at it: a planted one is found in each of these places", async () => {
      await Promise.all([here.call("plant", token), there.call("plant", token)]);
      const seen = await places();
      for (const place of ["the logs", "what the other node sees", "what Redis was told"] as const)
        expect([place, secrets.in(seen[place])]).toEqual([place, ["secret", "token"]]);
      if (adapter === "streams" && recovery) {
        // What a node knows of its sockets is kept when they are cut off.
        await there.call("cut");
        let kept = "";
        while (!kept.includes(":session:")) kept = JSON.stringify(await here.call("kept"));
        expect(secrets.in(kept)).toEqual(["secret", "token"]);
      }

      await database.pool.query("update session set previousHash = secretHash, client = ?", [
        JSON.stringify({ token }),
      ]);
      const where = (await cells()).flatMap(({ column, content }) =>
        secrets.in(content).map((what) => `${column} ${what}`),
      );
      expect(new Set(where)).toEqual(
        new Set(["secretHash hash", "previousHash hash", "client token", "client secret"]),
      );
    });
  });
});
