import { describe, expect, test } from "@jest/globals";
import type { Socket } from "socket.io-client";
import { openTab } from "../../support/clients/device.js";
import { describeWithRedis, redisUrl, startMonitor } from "../../support/redis/redis.js";
import { Secrets, unescapeMonitor } from "../../support/secrets.js";
import { ADAPTERS, startNodes } from "../../support/servers/cluster.js";
import { useNodes } from "../../support/servers/nodes.js";
import { type Rig, serverSideOf } from "../../support/servers/rig.js";
import { gotToken, next } from "../../support/servers/server.js";

// A new token reaches the socket that asked for it, and is in nothing that others are sent, that is kept,
// logged or shown.

const nodes = useNodes();

/** Everything that comes down a client's connection, as it comes. */
function wiretap(client: Socket): string[] {
  const heard: string[] = [];
  client.io.on("open", () => client.io.engine.on("data", (data) => heard.push(String(data))));
  return heard;
}

describeWithRedis("over Redis", () => {
  describe.each(ADAPTERS)("%s", (_, makeAdapter) => {
    test.each([true, false])("recovery %s", async (recovery) => {
      const databaseUrl = nodes.database.url;
      const io = recovery ? { connectionStateRecovery: {} } : {};
      const monitor = await startMonitor(redisUrl());
      const { nodes: both, close } = await startNodes(makeAdapter, [
        { databaseUrl, io },
        { databaseUrl, io },
      ]);
      try {
        const [here, there] = both as [Rig, Rig];
        const own = here.client();
        const mine = wiretap(own);
        const victim = await openTab(here.io, own);
        const planted = victim.session.token;
        const others: string[][] = [];
        const clients: { on: Rig; client: Socket }[] = [];
        for (const on of [here, here, there, there]) {
          const client = on.client({ auth: { token: others.length % 2 ? planted : "" } });
          others.push(wiretap(client));
          clients.push({ on, client });
          await gotToken(client);
          const socket = serverSideOf(on.io, client);
          // An application that lets clients into rooms as they ask.
          await socket.join(["everybody", own.id ?? "", `${planted.slice(0, 32)}`]);
          // It answers whatever asks for an answer.
          client.onAny((...event) => {
            const last = event.at(-1);
            if (typeof last === "function") last();
          });
        }
        for (const { client } of clients) await serverSideOf(here.io, own).join(client.id ?? "");
        const secrets = new Secrets();
        const added: string[] = [];
        for (const change of ["login", "regenerate", "logout"] as const) {
          const handle = victim.handle();
          await (change === "login" ? handle.login("ada") : handle[change]());
          added.push(victim.session.token);
        }
        expect(new Set([planted, ...added]).size).toBe(4);
        for (const token of added) secrets.add(token);
        // What was sent to the others before this has arrived with it.
        for (const on of [here, there]) {
          const its = clients.filter((each) => each.on === on).map(({ client }) => client);
          const marked = its.map((client) => next(client, "mark"));
          // By their own rooms: who is cut loose hears nothing that is sent to all.
          for (const { id = "" } of its) on.io.local.to(id).emit("mark");
          await Promise.all(marked);
        }
        const seen = {
          "the others' connections": others.flat().join("\n"),
          "what Redis was told": unescapeMonitor(await monitor.text()),
          "the logs": here.log.text + there.log.text,
          "what nodes see of sockets": JSON.stringify(
            (await there.io.fetchSockets()).map(({ id, data, handshake, rooms }) => [
              id,
              data,
              handshake,
              [...rooms],
            ]),
          ),
        };
        for (const [place, text] of Object.entries(seen))
          expect([place, secrets.in(text)]).toEqual([place, []]);
        // It would have been found: it came down the victim's own.
        expect(secrets.in(mine.join("\n"))).toContain("token");
        expect(seen["what nodes see of sockets"]).toContain(victim.session.id);
        expect(seen["the others' connections"]).toContain("tokenChanged");
      } finally {
        await close();
        await monitor.stop();
      }
    });
  });
});
