import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { memoryStore, type TokenSessionOptions, tokenSession } from "../../../src/index.js";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { expectOptionRefused } from "../../support/options.js";
import { gotToken, startServer, type TestServer } from "../../support/servers/server.js";

let database: TestDatabase;
let server: TestServer | undefined;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => server?.close());
afterAll(() => database.drop());

const AT_ONCE = 60;

async function start(addressOf: TokenSessionOptions["addressOf"]): Promise<TestServer> {
  server = await startServer({ databaseUrl: database.url, options: addressOf ? { addressOf } : {} });
  return server;
}

function visit({ client }: TestServer, address: string, token = "") {
  return gotToken(client({ auth: { token }, extraHeaders: { "x-address": address } }));
}

test("an address creates sixty sessions at once, and no more; other addresses, and opening, go on", async () => {
  const server = await start(({ handshake }) => handshake.headers["x-address"] as string);
  const first = await Promise.all(Array.from({ length: AT_ONCE }, () => visit(server, "a")));
  expect(first.every(({ token }) => token !== "")).toBe(true);
  // One more comes along each second, so of ten some are refused however slow this machine is.
  const more = await Promise.all(Array.from({ length: 10 }, () => visit(server, "a")));
  expect(more.filter(({ errors }) => errors === "Too Many Sessions").length).toBeGreaterThan(0);
  expect(await visit(server, "b")).toMatchObject({ errors: "", created: true });
  const held = first[0]?.token ?? "";
  expect(await visit(server, "a", held)).toMatchObject({ token: held, errors: "", created: false });
});

test.each<[string, TokenSessionOptions["addressOf"]]>([
  ["is not given", undefined],
  ["gives nothing", () => undefined],
])("where addressOf %s, only connections are limited", async (_, addressOf) => {
  const server = await start(addressOf);
  const all = await Promise.all(Array.from({ length: AT_ONCE + 10 }, () => visit(server, "a")));
  expect(all.every(({ token }) => token !== "")).toBe(true);
});

test("addressOf that throws is said once, without its message; sockets connect, and are not limited by address", async () => {
  const server = await start(({ handshake }) => {
    const header = handshake.headers["x-real-ip"] as string;
    return header.split(",")[0];
  });
  // An unhandled rejection fails the test by itself.
  const all = await Promise.all(Array.from({ length: AT_ONCE + 1 }, () => visit(server, "a")));
  expect(all.filter(({ errors, created }) => errors !== "" || !created)).toEqual([]);
  const said = server.log.lines.filter(({ text }) => text.includes("addressOf"));
  expect(said).toEqual([{ level: "warn", text: "addressOf threw (said once): TypeError" }]);
});

test("addressOf is a function", () => {
  expectOptionRefused(
    () => tokenSession({ store: memoryStore(), logger: false, addressOf: "x-forwarded-for" as never }),
    /addressOf must be a function of a socket, not string/,
  );
});
