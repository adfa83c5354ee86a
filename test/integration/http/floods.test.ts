import { randomBytes } from "node:crypto";
import { connect as connectHttp2, createServer } from "node:http2";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { mintToken } from "../../../src/token/token.js";
import { addApp } from "../../support/http/http-apps.js";
import { listen } from "../../support/listen.js";
import { gate, until } from "../../support/servers/nodes.js";
import { next } from "../../support/servers/server.js";
import { CountedOpens, unknownToken } from "../../support/stores/counted-opens.js";

// What one client, or many, can request costs nobody else more than a stated bound. Work is counted here, not
// time.

const AT_ONCE = 8;
const opens = new CountedOpens();

describe("requests sent ahead on one connection", () => {
  beforeEach(async () => {
    await opens.start();
    await addApp("Connect", opens.rig, async () => ({}), { required: true });
  });

  /**
   * Sends so many requests, each with another token, before it reads an answer; gives the statuses in order.
   */
  function sendAhead(count: number): Promise<number[]> {
    const socket = connect(opens.rig.port, "127.0.0.1");
    const requests = Array.from({ length: count }, (_, n) => {
      const last = n === count - 1 ? "Connection: close\r\n" : "";
      return `GET / HTTP/1.1\r\nHost: localhost\r\n${last}Authorization: Bearer ${unknownToken()}\r\n\r\n`;
    });
    socket.write(requests.join(""));
    return new Promise((resolve, reject) => {
      let text = "";
      socket.on("error", reject);
      socket.setEncoding("latin1").on("data", (data) => {
        text += data;
      });
      socket.on("close", () =>
        resolve([...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => Number(status))),
      );
    });
  }

  test("are opened a few at a time, and answered in order", async () => {
    const { token } = await opens.rig.connect();
    opens.loads = [];
    const { opened, open } = gate();
    opens.holding = opened;
    const answers = sendAhead(500);
    await until(async () => opens.held === AT_ONCE);
    for (let turns = 0; turns < 100; turns++) await turn();
    const response = await fetch(opens.rig.url, { headers: { authorization: `Bearer ${token}` } });
    expect([response.status, opens.mostHeld, opens.loads.length]).toEqual([200, AT_ONCE, AT_ONCE + 1]);
    open();
    expect(await answers).toEqual(Array.from({ length: 500 }, () => 401));
    expect(opens.mostHeld).toBe(AT_ONCE);
  });

  test("are told to come again where a thousand wait", async () => {
    const { opened, open } = gate();
    opens.holding = opened;
    const answers = sendAhead(1_100);
    await until(async () => opens.held === AT_ONCE);
    // All of them have come when one on another connection is answered that was sent later.
    for (let turns = 0; turns < 500; turns++) await turn();
    open();
    const statuses = await answers;
    expect(statuses).toHaveLength(1_100);
    expect(statuses.filter((status) => status === 503)).toHaveLength(1_100 - 1_000 - AT_ONCE);
  });
});

test("streams of one HTTP/2 connection are opened a hundred at a time", async () => {
  await opens.start();
  const middleware = opens.rig.sessions.express({ required: true });
  const server = createServer((request, response) =>
    middleware(request as never, response as never, () => {}),
  );
  const port = await listen(server);
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  const { opened, open } = gate();
  opens.holding = opened;
  const answers = Array.from({ length: 150 }, async () => {
    const request = client.request({ authorization: `Bearer ${unknownToken()}` }).resume();
    const [{ ":status": status }] = (await next(request, "response")) as [{ ":status": number }];
    return status;
  });
  try {
    await until(async () => opens.held >= 100);
    for (let turns = 0; turns < 500; turns++) await turn();
    expect([opens.held, opens.mostHeld]).toEqual([100, 100]);
    open();
    expect(new Set(await Promise.all(answers))).toEqual(new Set([401]));
    expect(opens.mostHeld).toBe(100);
  } finally {
    open();
    client.destroy();
    server.close();
  }
});

describe("made-up ids of a moment ago", () => {
  const youngToken = () => mintToken(Date.now()).text;

  test("are looked for again, a thousand at once; of the others the client is told to come again", async () => {
    const { store } = await opens.start();
    await addApp("Connect", opens.rig, async () => ({}), { required: true });
    const { token } = await opens.rig.connect();
    const ask = (presented: string) =>
      fetch(opens.rig.url, { headers: { authorization: `Bearer ${presented}` } }).then(
        ({ status }) => status,
      );
    const asked = Array.from({ length: 1_000 }, () => ask(youngToken()));
    await until(async () => opens.clock.timers >= 1_000);
    // Whose row a node of the database does not have yet is told to wait, and no more.
    const late = mintToken(Date.now());
    expect(await ask(late.text)).toBe(503);
    expect(await ask(token)).toBe(200);
    expect(await ask(unknownToken())).toBe(401);
    let count = 0;
    for (const answer of asked) void answer.then(() => count++);
    while (count < asked.length) {
      await turn();
      opens.clock.advance(50);
    }
    expect(new Set(await Promise.all(asked))).toEqual(new Set([401]));
    const row = { sessionId: late.sessionId, secretHash: late.secretHash, data: "{}", client: null };
    await store.insert([{ ...row, revision: 1, writers: randomBytes(16) }]);
    expect(await ask(late.text)).toBe(200);
  });
});
