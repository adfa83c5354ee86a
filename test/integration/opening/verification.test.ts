import { expect, test } from "@jest/globals";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import type { Rig } from "../../support/servers/rig.js";
import { ask, gotToken, next } from "../../support/servers/server.js";

// A token presented again on the socket that has its session: a look at the revision instead of the whole
// row. Nothing else may differ.

const nodes = useNodes();
/** How the look is told from a read of the row. */
const LOOK = "select `sessionId`, `revision`";

interface Message {
  readonly token: string;
  readonly errors: string;
  readonly created: boolean;
}

/** The order in which a server's handlers ran, and what `getToken` was answered with. */
async function start(): Promise<{ node: Node; heard: string[] }> {
  const heard: string[] = [];
  const handlers: NonNullable<Parameters<typeof nodes.node>[0]>["handlers"] = (io) =>
    io.on("connection", (socket) => socket.on("say", (word: string) => void heard.push(word)));
  return { node: await nodes.node({ handlers }), heard };
}

const present = (client: Awaited<ReturnType<Rig["connect"]>>["client"], token: string) =>
  ask<Message>(client, "getToken", { token });

test("events sent behind it wait for its answer, and keep their order", async () => {
  const { node, heard } = await start();
  const { client, token } = await node.connect();
  const holding = node.proxy.hold(LOOK);
  const answered = present(client, token).then((message) => {
    heard.push("answered");
    return message;
  });
  for (const word of ["one", "two"]) client.emit("say", word);
  const look = await holding;
  // Another socket of the same server is not held up.
  const other = await node.connect();
  other.client.emit("say", "other");
  await ask(other.client, "getToken", { token: other.token });
  expect(heard).toEqual(["other"]);
  const said = new Promise<void>((resolve) => {
    const { push } = heard;
    heard.push = (...words: string[]) => {
      const length = push.apply(heard, words);
      if (heard.includes("two") && heard.includes("answered")) resolve();
      return length;
    };
  });
  await look.release();
  expect(await answered).toMatchObject({ token, errors: "", created: false });
  await said;
  expect(heard.filter((word) => word !== "answered")).toEqual(["other", "one", "two"]);
});

test("one that waits behind it is answered too, and a change meanwhile is not lost", async () => {
  const { node } = await start();
  const { client, token, session, id } = await node.connect();
  const holding = node.proxy.hold(LOOK);
  const both = [present(client, token), present(client, token)];
  const look = await holding;
  const set = session.set("n", 1);
  expect(session.get("n")).toBe(1);
  await look.release();
  for (const message of await Promise.all(both)) expect(message).toMatchObject({ token, created: false });
  await set;
  expect((await nodes.row(id))?.data).toEqual({ n: 1 });
});

test("what others have written is shown, and an end elsewhere is found out", async () => {
  const { node } = await start();
  const { client, token, session, id } = await node.connect();
  await nodes.database.pool.query(
    `update session set data = '{"n":7}', revision = revision + 1 where sessionId = ?`,
    [id],
  );
  expect(await present(client, token)).toMatchObject({ token, created: false });
  expect(session.get("n")).toBe(7);
  await nodes.database.pool.query("update session set expires = 1 where sessionId = ?", [id]);
  expect(await present(client, token)).toMatchObject({ errors: "Session Expired", created: true });
  expect(session.active).toBe(false);
});

test("a row that has gone gives a fresh session", async () => {
  const { node } = await start();
  const { client, token, id } = await node.connect();
  await nodes.database.pool.query("delete from session where sessionId = ?", [id]);
  const message = await present(client, token);
  expect(message).toMatchObject({ errors: "Session Not Found", created: true });
  expect(message.token).not.toContain(id);
});

test("a secret that another server has replaced opens nothing", async () => {
  const { node } = await start();
  const { client, token, id } = await node.connect();
  await nodes.database.pool.query(
    "update session set previousHash = secretHash, secretHash = unhex(repeat('ab', 32)), revision = revision + 1 where sessionId = ?",
    [id],
  );
  expect(await present(client, token)).toMatchObject({ errors: "Session Not Found", created: true });
});

test("while the database is away it is told so, and goes on when it is back", async () => {
  const { node } = await start();
  const { client, token } = await node.connect();
  await node.proxy.down();
  const away = gotToken(client);
  const answered = present(client, token);
  expect(await away).toMatchObject({ token: "", errors: "Session store unavailable" });
  expect(await answered).toMatchObject({ token: "", errors: "Session store unavailable" });
  const back = gotToken(client);
  await node.proxy.up();
  expect(await back).toMatchObject({ token, errors: "", created: false });
});

test("a socket that goes meanwhile leaves nothing behind", async () => {
  const { node } = await start();
  const { client, token, socket } = await node.connect();
  const holding = node.proxy.hold(LOOK);
  void present(client, token);
  const look = await holding;
  const gone = next(socket, "disconnect");
  client.disconnect();
  await gone;
  await look.release();
  await node.close();
});
