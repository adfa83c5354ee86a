import { expect, test } from "@jest/globals";
import type { Socket as ClientSocket } from "socket.io-client";
import { addApp } from "../../support/http/http-apps.js";
import { cutAndComeBack } from "../../support/servers/cut.js";
import { useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// A recovered socket brings no token: what was known of its client must not be forgotten with it.

const nodes = useNodes();

async function recovering(options: object) {
  const node = await nodes.node({
    io: { connectionStateRecovery: {} },
    options,
    handlers: (io) =>
      io.on("connection", (socket) => {
        // Gives the client an offset to recover from.
        socket.emit("welcome");
        socket.on("regenerate", (done) =>
          socket.session.regenerate().then(
            () => done(""),
            ({ code }) => done(code),
          ),
        );
      }),
  });
  /** The connection drops, and the socket is recovered, without a word of its token. */
  async function drop(client: ClientSocket) {
    client.auth = {};
    await cutAndComeBack(node.io, client);
    expect(client.recovered).toBe(true);
  }
  return { node, drop };
}

test("the page of a token in a cookie is sent tickets, and never the token", async () => {
  const { node, drop } = await recovering({ cookieSecret: "a secret of at least 32 characters" });
  await addApp("Express", node, async () => ({}), { cookie: {} });
  const told = await fetch(`${node.url}/session`);
  const client = node.client({ auth: { token: (await told.json()).ticket, confirm: true } });
  const welcome = next(client, "welcome");
  const { token } = await gotToken(client);
  expect(token).toMatch(/\.cookie~/);
  await welcome;
  await drop(client);
  const message = gotToken(client);
  expect(await ask(client, "regenerate")).toBe("");
  expect((await message).token).toMatch(/^[0-9a-f]{32}\.cookie~/);
});

test("an identified socket still cannot be given another token", async () => {
  const { node, drop } = await recovering({
    identify: ({ headers }: { headers: Record<string, string> }) => headers["x-credential"],
  });
  const { token } = await node.connect();
  const client = node.client({ extraHeaders: { "x-credential": token } });
  const heard: unknown[] = [];
  client.on("gotToken", (message) => heard.push(message));
  await next(client, "welcome");
  await drop(client);
  expect(await ask(client, "regenerate")).toBe("SESSION_NOT_CONFIRMED");
  expect(heard).toEqual([]);
});
