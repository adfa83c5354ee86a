import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { ServerOptions } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { hashSecret } from "../../../src/token/hash.js";
import { cutOff } from "../../support/servers/cut.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// What becomes of a session at connection state recovery when its row is missing, for a moment or for good.

const nodes = useNodes();

function start(connectionStateRecovery: NonNullable<ServerOptions["connectionStateRecovery"]> = {}) {
  return nodes.node({
    io: { connectionStateRecovery },
    handlers: (io) =>
      io.on("connection", (socket) => {
        // Gives the client an offset to recover from, as any event of an application does.
        socket.emit("welcome");
        socket.on("get", (key: string, done: (value: unknown) => void) =>
          done({ value: socket.session.get(key), active: socket.session.active }),
        );
      }),
  });
}

/**
 * A session begun long ago, whose id says so: a row that is missing is not looked for again for the id's
 * sake.
 */
async function oldToken(): Promise<string> {
  const id = `0190${randomBytes(14).toString("hex")}`;
  const secret = randomBytes(32).toString("base64url");
  await nodes.database.pool.query(
    "insert into session (sessionId, expires, data, secretHash, revision, createdAt, visitedAt)" +
      ` values (?, unix_timestamp() + 3600, '{"userId":7}', ?, 1, unix_timestamp(), unix_timestamp())`,
    [id, hashSecret(secret)],
  );
  return `${id}.${secret}`;
}

/** A client of the old package's README: asks once, and never again. */
async function visit(node: Node): Promise<{ client: ClientSocket; id: string }> {
  const token = await oldToken();
  const client = node.client();
  const welcome = next(client, "welcome");
  const received = gotToken(client);
  client.emit("getToken", { token });
  expect(await received).toMatchObject({ token, errors: "" });
  await welcome;
  return { client, id: token.slice(0, 32) };
}

const ways: [string, { skipMiddlewares?: boolean }][] = [
  ["by default", {}],
  ["with skipMiddlewares: false", { skipMiddlewares: false }],
];

describe.each(ways)("%s", (_, recovery) => {
  test("a row that is missing for a moment ends nothing", async () => {
    const node = await start(recovery);
    const { client, id } = await visit(node);
    const ended: unknown[] = [];
    node.sessions.on("sessionEnd", (event) => ended.push(event));
    const [row] = await nodes.database.rows("select * from session where sessionId = ?", [id]);
    await nodes.database.pool.query("delete from session where sessionId = ?", [id]);
    const held = node.proxy.hold("coalesce(data");
    const told = next(client, "sessionEnd");
    const back = next(client, "connect");
    await cutOff(node.io, client);
    client.connect();
    // The first look has found nothing.
    await (await held).release();
    await nodes.database.pool.query("insert into session set ?", [row]);
    await back;
    expect(client.recovered).toBe(true);
    const answer = ask(client, "get", "userId");
    expect(await Promise.race([answer, told])).toEqual({ value: 7, active: true });
    expect([ended, client.connected]).toEqual([[], true]);
  });

  test.each([
    ["gone for good", "delete from session where sessionId = ?", "destroyed"],
    ["expired", "update session set expires = 1 where sessionId = ?", "expired"],
  ])("one that is %s does: the client is told, and cut", async (_, statement, reason) => {
    const node = await start(recovery);
    const { client, id } = await visit(node);
    await nodes.database.pool.query(statement, [id]);
    const cuts: string[] = [];
    client.on("disconnect", (cut) => cuts.push(cut));
    const recovered = next(client, "connect").then(() => client.recovered);
    const told = next(client, "sessionEnd");
    await cutOff(node.io, client);
    client.connect();
    expect(await recovered).toBe(true);
    expect((await told)[0]).toEqual({ reason });
    if (cuts.length < 2) await next(client, "disconnect");
    expect(cuts[1]).toBe("io server disconnect");
    expect(node.io.sockets.sockets.size).toBe(0);
  });
});
