import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Server, Socket } from "socket.io";
import { SessionAwareAdapter } from "socket.io-adapter";
import { createTestDatabase, type TestDatabase } from "../../support/database/database.js";
import { addApp } from "../../support/http/http-apps.js";
import { addAdminUi, openAdminPage } from "../../support/pages/admin-page.js";
import { Secrets } from "../../support/secrets.js";
import { cutOff } from "../../support/servers/cut.js";
import { listenInAllWays, speak } from "../../support/servers/ears.js";
import { ask, gotToken, next, startServer, type TestServer } from "../../support/servers/server.js";

// A life with everything in it: first visits by both paths, a login, a rotation, a logout, a recovery, the
// bridge, an end. Each secret that was on the wire meanwhile is searched for in everything that an
// application, a log, an adapter or the Admin UI is told.

const SECRET = "a secret of at least 32 characters";

/** What each place has seen, as text. */
const seen = new Map<string, string[]>();
function note(place: string, ...what: unknown[]): void {
  const texts = seen.get(place) ?? [];
  seen.set(place, texts);
  // As a logger writes it, and as a packet has it.
  texts.push(inspect(what, { depth: 8, showHidden: true }), JSON.stringify(what, withoutCircles()) ?? "");
}

function withoutCircles() {
  const known = new Set<unknown>();
  return (_: string, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    if (known.has(value)) return undefined;
    known.add(value);
    return value instanceof Map || value instanceof Set ? [...value] : value;
  };
}

/** Tells what Socket.IO gives its adapter to send, to keep and to show. */
class TalkativeAdapter extends SessionAwareAdapter {
  override broadcast(...given: Parameters<SessionAwareAdapter["broadcast"]>): void {
    note("adapter: packets", ...given);
    super.broadcast(...given);
  }

  override broadcastWithAck(...given: Parameters<SessionAwareAdapter["broadcastWithAck"]>): void {
    note("adapter: packets", ...given);
    super.broadcastWithAck(...given);
  }

  override persistSession(session: Parameters<SessionAwareAdapter["persistSession"]>[0]): void {
    note("adapter: kept", session);
    super.persistSession(session);
  }

  override addAll(...given: Parameters<SessionAwareAdapter["addAll"]>): void {
    note("adapter: rooms", ...given.map((each) => (each instanceof Set ? [...each] : each)));
    super.addAll(...given);
  }
}

const secrets = new Secrets();
const tickets = new Set<string>();
/** Takes note of all that must not be seen elsewhere. */
function onTheWire(text: string): void {
  for (const [token] of text.matchAll(/[0-9a-f]{32}\.[\w-]{43}(?![\w-])/g)) secrets.add(token);
  for (const [, sealed] of text.matchAll(/\.cookie~([\w-]+)/g)) tickets.add(sealed ?? "");
  for (const [, secret] of text.matchAll(/session-token=\.([\w-]{43})/g)) tickets.add(secret ?? "");
}

function found(texts: string[]): string[] {
  const text = texts.join("\n");
  return [...secrets.in(text), ...[...tickets].filter((ticket) => text.includes(ticket)).map(() => "ticket")];
}

let database: TestDatabase;
let server: TestServer;

function handlers(io: Server): void {
  io.engine.on("connection", (connection: NodeJS.EventEmitter) => {
    connection.on("packet", ({ data }) => onTheWire(String(data)));
    connection.on("packetCreate", ({ data }) => onTheWire(String(data)));
  });
  io.use((socket, goOn) => {
    note("middleware: handshake", socket.handshake);
    goOn();
  });
  io.on("connection", (socket: Socket) => {
    socket.join("everybody");
    listenInAllWays(socket, (heard, args) => note("listeners", heard, args));
    // As `console.log` shows it. Further down are Engine.IO's packets that have not gone out yet, with the
    // token for the client among them.
    note("the socket at its connection", inspect(socket));
    note("the session", socket.session, { ...socket.session }, socket.session.toJSON());
    socket.on("fail", async (done: () => void) => {
      const failures = [socket.session.set("x", "x".repeat(70_000)), socket.session.login("")];
      for (const failure of failures) await failure.catch((error: unknown) => note("errors", error));
      done();
    });
    socket.on("look", (done: () => void) => {
      note("the socket later on", socket, socket.request, socket.client);
      done();
    });
    socket.on("disconnect", () => note("the socket after its end", socket));
  });
  speak(io);
}

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({
    databaseUrl: database.url,
    options: {
      cookieSecret: SECRET,
      addressOf: ({ handshake, request }) => {
        note("addressOf", handshake, request.headers, request.rawHeaders);
        return handshake.address;
      },
    },
    io: { connectionStateRecovery: {}, adapter: TalkativeAdapter as never },
    attach(sessions, io) {
      addAdminUi(io);
      sessions.attach(io);
    },
    handlers,
  });
  for (const event of ["sessionStart", "sessionChange", "sessionEnd", "sessionInvalid", "error"] as const)
    server.sessions.on(event, (content: unknown) => note("events of the sessions", event, content));
  await addApp("Express", server, async (session) => ({ id: session.id }), { cookie: {} });
  await live();
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const confirming = (options: Parameters<TestServer["client"]>[0]) => {
  const client = server.client(options);
  client.on("gotToken", (_, confirm?: () => void) => confirm?.());
  return client;
};

async function bridged(path: "GET" | "POST", headers: Record<string, string>) {
  const response = await fetch(`${server.url}/session`, { method: path, headers });
  const cookie = response.headers.get("set-cookie")?.split(";")[0] ?? headers["cookie"] ?? "";
  const body = (await response.json()) as { token: string; ticket?: string };
  onTheWire(`${cookie} ${JSON.stringify(body)}`);
  return { cookie, ...body };
}

async function live(): Promise<void> {
  const admin = await openAdminPage(server);
  const first = confirming({ auth: { token: "", confirm: true, client: { device: "Pixel 9" } } });
  const welcome = next(first, "welcome");
  const { token } = await gotToken(first);
  await welcome;
  const other = confirming({});
  await next(other, "connect");
  await ask(other, "getToken", { token, confirm: true });
  // Another socket, because one that has had two sessions is not recovered.
  const switching = confirming({});
  await ask(switching, "getToken", { token: `${token.slice(0, 33)}${"B".repeat(43)}` });
  await ask(switching, "getToken", { token });
  await ask(first, "fail");
  // A rotation, and what comes with the old token after it.
  const asked = next(other, "tokenChanged");
  const replaced = gotToken(first);
  expect(await ask(first, "login")).toBe("");
  const fresh = (await replaced).token;
  await asked;
  await ask(other, "getToken", { token: fresh });
  await ask(confirming({}), "getToken", { token });
  // Recovery by the note, and with the token.
  first.auth = { token: fresh, confirm: true };
  const back = [next(other, "connect"), gotToken(first)];
  for (const client of [first, other]) await cutOff(server.io, client);
  for (const client of [first, other]) client.connect();
  await Promise.all(back);
  expect([first.recovered, other.recovered]).toEqual([true, true]);
  await ask(other, "look");
  await ask(first, "logout");

  // The bridge: first visit, exchange, and back with the cookie; by polling too.
  const visit = await bridged("GET", {});
  const page = confirming({
    auth: { token: visit.ticket, confirm: true },
    extraHeaders: { cookie: visit.cookie },
  });
  const { token: ticket } = await gotToken(page);
  const { cookie } = await bridged("POST", { cookie: visit.cookie, "session-ticket": ticket });
  const again = await bridged("GET", { cookie });
  const tab = confirming({
    auth: { token: again.ticket, confirm: true },
    extraHeaders: { cookie: `mine=1; ${cookie}` },
    transports: ["polling", "websocket"],
  });
  expect(await gotToken(tab)).toMatchObject({ created: false });
  const rotated = gotToken(page);
  tab.auth = { token: (await bridged("GET", { cookie })).ticket, confirm: true };
  expect(await ask(page, "login")).toBe("");
  await rotated;
  await ask(page, "look");

  note("what other servers see", await server.io.fetchSockets());
  const over = next(first, "sessionEnd");
  first.emit("destroy");
  await over;
  await admin.until("event_received", "destroy");
  seen.set("the Admin UI", [admin.text, (await openAdminPage(server)).text]);
  seen.set("the log", [server.log.text]);
}

const PLACES = [
  "adapter: kept",
  "adapter: packets",
  "adapter: rooms",
  "addressOf",
  "errors",
  "events of the sessions",
  "listeners",
  "middleware: handshake",
  "the Admin UI",
  "the log",
  "the session",
  "the socket after its end",
  "the socket at its connection",
  "the socket later on",
  "what other servers see",
];

test.each(PLACES)("%s: no secret", (place) => {
  const texts = seen.get(place) ?? [];
  // Something was there to be searched.
  expect(texts.join("").length).toBeGreaterThan(0);
  expect(found(texts)).toEqual([]);
});

test("all secrets were searched for, in all places, and would be found", () => {
  expect([...seen.keys()].sort()).toEqual(PLACES);
  // First, second and third session, their rotations, the forged one; tickets of each visit and exchange.
  expect([...secrets.forms].filter(([, what]) => what === "token").length).toBeGreaterThanOrEqual(5);
  expect(tickets.size).toBeGreaterThanOrEqual(5);
  const [[token] = [""]] = secrets.forms;
  const [ticket = ""] = tickets;
  expect(found([`{"token":"${token}"}`, ticket])).toEqual(["secret", "token", "ticket"]);
});
