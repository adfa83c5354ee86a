import { afterEach, expect, test } from "@jest/globals";
import type { Socket } from "socket.io-client";
import { type DatabaseProxy, startProxy } from "../support/database/proxy.js";
import { Clients } from "../support/processes/child-node.js";
import { blocksOf, type PrintedProgram, runPrinted } from "../support/processes/printed-program.js";
import { useNodes } from "../support/servers/nodes.js";
import { ask as asked, gotToken } from "../support/servers/server.js";

// The first servers of the documentation, as printed, in processes of their own: no client and no outage ends
// them.

const nodes = useNodes();
const clients = new Clients();
let program: PrintedProgram | undefined;
let proxy: DatabaseProxy | undefined;
afterEach(async () => {
  clients.close();
  await program?.stop();
  await proxy?.close();
});

/** Starts a program; gives a client that has its session, and the token of that. */
async function start(text: string): Promise<{ client: Socket; token: string; away: DatabaseProxy }> {
  proxy = await startProxy(nodes.database.url);
  program = await runPrinted(text, proxy.through(nodes.database.url));
  const client = clients.open(program.url, { auth: { token: "" } });
  let { token } = await gotToken(client);
  // Where the machine is so busy that the database took longer than `storeTimeout`.
  while (token === "") ({ token } = await gotToken(client));
  return { client, token, away: proxy };
}

/** The answer to an event; without it waiting for ever where the process has ended. */
async function ask(client: Socket, event: string, ...sent: unknown[]): Promise<unknown> {
  return program?.alive(asked(client, event, ...sent));
}

/** What a client may send to any event, by mistake or not, and without waiting for an answer. */
function sendNonsense(client: Socket, event: string): void {
  for (const sent of [[], [null], [{}], [1, 2, 3], [[]], ["__proto__", "constructor"], [Buffer.from("x")]])
    client.emit(event, ...sent);
  client.emit(event, () => {});
}

/** The process goes on, and what it has printed holds neither a secret nor a value. */
function expectSound(token: string, ...values: string[]): void {
  expect(program?.hasEnded()).toBe(false);
  for (const secret of [token.slice(33), ...values]) expect(program?.printed()).not.toContain(secret);
}

test("README's server", async () => {
  const server = blocksOf("README.md").find((block) => block.includes("new Server("));
  const { client, token, away } = await start(server ?? "");

  const large = "large".repeat(20_000);
  expect(await ask(client, "name", large)).toEqual({ error: "SESSION_TOO_LARGE" });
  client.emit("name", large);

  for (const event of ["name", "whoAmI"]) sendNonsense(client, event);
  client.emit("name", "Ada Lovelace");
  expect(await ask(client, "whoAmI")).toBe("Ada Lovelace");
  // In the database, whatever of that is still on its way.
  expect(await ask(client, "name", "Ada Lovelace")).toBeUndefined();

  await away.down();
  client.emit("name", "nobody waits");
  expect(await ask(client, "name", "Grace Hopper")).toEqual({ error: "SESSION_STORE_UNAVAILABLE" });
  expect(await ask(client, "whoAmI")).toBe("Ada Lovelace");
  await away.up();
  expect(await ask(client, "name", "Grace Hopper")).toBeUndefined();
  expect(await ask(client, "whoAmI")).toBe("Grace Hopper");
  expectSound(token, "largelarge", "Lovelace", "Hopper", "nobody waits");
});

/** What docs/server.md leaves to the application. */
const AROUND = (handler: string) => `
  import { createPool } from "mysql2/promise";
  import { Server } from "socket.io";
  import { tokenSession } from "socket.io-token-session";
  const sessions = tokenSession({ db: createPool(process.env.DATABASE_URL), storeTimeout: 1 });
  const io = new Server(3000);
  sessions.attach(io);
  const priceOf = async (item) => 7;
  const checkPassword = async (name, password) => password === "right" && { id: name };
  io.on("connection", (socket) => {
    socket.on("there?", (done) => done("yes"));
    ${handler}
  });
`;

const handlers = blocksOf("docs/server.md").flatMap((block) => {
  const [, event] = block.match(/^socket\.on\("(\w+)"/) ?? [];
  return event ? [{ event, block }] : [];
});

/** What is sent to each, and what it answers. */
const ANSWERS: Record<string, { sent: unknown; answer: unknown }> = {
  rename: { sent: "Ada Lovelace", answer: { name: "Ada Lovelace" } },
  buy: { sent: "a book", answer: null },
  login: { sent: { name: "ada", password: "right" }, answer: undefined },
};

test("docs/server.md has these handlers", () => {
  expect(handlers.map(({ event }) => event).sort()).toEqual(Object.keys(ANSWERS).sort());
});

test.each(handlers)("docs/server.md: the handler of $event", async ({ event, block }) => {
  const { client, token, away } = await start(AROUND(block));
  const { sent, answer } = ANSWERS[event] ?? {};
  sendNonsense(client, event);
  client.emit(event, sent);
  expect(await ask(client, "there?")).toBe("yes");
  // In the database, whatever of that is still on its way: of what is cut off on its way nobody can say that
  // it was not written.
  expect(await ask(client, event, sent)).toEqual(answer);

  await away.down();
  client.emit(event, sent);
  expect(await ask(client, event, sent)).toEqual({ error: "SESSION_STORE_UNAVAILABLE" });
  await away.up();
  expect(await ask(client, event, sent)).toEqual(answer);
  expectSound(token, "Lovelace");
});
