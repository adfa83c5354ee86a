import { describe, expect, test } from "@jest/globals";
import { type TokenStorage, tokenSession } from "../../../client/index.js";
import { hear, nextOf } from "../../support/clients/client-events.js";
import { serve as serveHttp } from "../../support/http/cookie-client.js";
import { presentations } from "../../support/pages/client-page.js";
import { gate, type Node, until, useNodes } from "../../support/servers/nodes.js";
import { serverSideOf } from "../../support/servers/rig.js";

// A storage that keeps what only stands for the token, and has something else presented in its place.

const nodes = useNodes();
const NOTHING = ".cookie";

/** Has the token in a cookie, as a browser keeps one that its scripts cannot read. */
class CookieStorage implements TokenStorage {
  cookie = "";
  /** What is to happen before something is given to be presented. */
  before = async () => {};
  readonly #url: string;

  constructor({ url }: Node) {
    this.#url = `${url}/session`;
  }

  getItem = async () => (await this.#ask("GET")).token || NOTHING;
  setItem = async (_key: string, ticket: string) => (await this.#ask("POST", ticket)).token;
  removeItem = () => this.#ask("DELETE");

  async present(shown: string) {
    const { token, ticket = "" } = await this.#ask("GET");
    if (shown && (token || NOTHING) !== shown) throw new Error("the cookie has changed meanwhile");
    await this.before();
    return ticket;
  }

  async #ask(method: string, ticket = ""): Promise<{ token: string; ticket?: string }> {
    const headers = { cookie: this.cookie, "Session-Ticket": ticket };
    const response = await fetch(this.#url, { method, headers });
    if (!response.ok) throw new Error(`${method}: ${response.status}`);
    this.cookie = response.headers.get("set-cookie")?.split(";")[0] ?? this.cookie;
    return response.json();
  }
}

/** A server with the bridge between cookies and sockets. */
async function serve(): Promise<Node> {
  const node = await nodes.node({ options: { cookieSecret: "a secret of the server, for its tests" } });
  const sessions = node.sessions.express({ cookie: {} });
  serveHttp(node.io, (request, response) => sessions(request, response, () => response.end()));
  return node;
}

function opened(node: Node, storage: CookieStorage) {
  const socket = node.client();
  const session = tokenSession(socket, { storage });
  return { socket, session, heard: hear(session), side: () => serverSideOf(node.io, socket) };
}

describe("a storage with `present`", () => {
  test("what it gives is presented, each time anew; held is what is stored", async () => {
    const node = await serve();
    const seen = presentations(node.io);
    const storage = new CookieStorage(node);
    const { socket, session, side, heard } = opened(node, storage);
    await session.ready;
    const text = `${session.id}.cookie`;
    expect([session.token, await storage.getItem()]).toEqual([text, text]);
    expect(storage.cookie).toMatch(`=${session.id}.`);

    socket.io.engine.close();
    await until(async () => session.state === "open" && seen.length === 2 && side().session.active);
    session.resume();
    await until(async () => session.state === "open" && seen.length === 3);
    expect(side().session.id).toBe(session.id);
    expect(session.token).toBe(text);

    const told = seen.map(({ by, token }) => `${by} ${token}`);
    expect(told[0]).toMatch(`handshake ${NOTHING}~`);
    expect(told[1]).toMatch(`handshake ${text}~`);
    expect(told[2]).toMatch(`getToken ${text}~`);
    expect(heard).toEqual([
      ["token", NOTHING],
      ["token", text],
      ["start", { id: session.id, created: true }],
    ]);
  });

  test("a login brings another token, and the end takes it away", async () => {
    const node = await serve();
    const storage = new CookieStorage(node);
    const { session, side, heard } = opened(node, storage);
    await session.ready;
    const { id } = session;
    const { cookie } = storage;
    await side().session.login("ada");
    expect(storage.cookie).not.toBe(cookie);
    expect([session.token, await storage.getItem()]).toEqual([`${id}.cookie`, `${id}.cookie`]);
    await side().session.destroy();
    await nextOf(session, "start");
    expect(heard.filter(([name]) => name === "end")).toEqual([["end", { reason: "destroyed" }]]);
    expect(await storage.getItem()).toBe(`${session.id}.cookie`);
  });

  test("a session that the page had left comes back by a late answer", async () => {
    const node = await serve();
    const other = new CookieStorage(node);
    const storage = new CookieStorage(node);
    const { session } = opened(node, storage);
    await Promise.all([session.ready, opened(node, other).session.ready]);
    const { id, token } = session;
    const { cookie } = storage;
    storage.cookie = other.cookie;
    session.resume();
    await until(async () => session.state === "open" && session.id !== id);
    storage.cookie = cookie;
    session.resume();
    await until(async () => session.state === "open" && session.id === id);
    expect(session.token).toBe(token);
  });

  test("a session that is over comes back by a late answer, and is followed by another", async () => {
    const node = await serve();
    const storage = new CookieStorage(node);
    const { session, side } = opened(node, storage);
    await session.ready;
    const { id } = session;
    const { cookie } = storage;
    await side().session.destroy();
    await nextOf(session, "start");
    const next = session.id;
    storage.cookie = cookie;
    session.resume();
    await until(async () => session.state === "open" && session.id !== next);
    expect(session.id).not.toBe(id);
    expect(storage.cookie).toMatch(`=${session.id}.`);
  });

  test("waits while there is nothing to present, and makes no session", async () => {
    const node = await serve();
    const storage = new CookieStorage(node);
    const first = opened(node, storage);
    await first.session.ready;
    first.socket.disconnect();

    const seen = presentations(node.io);
    let failures = 2;
    storage.before = async () => {
      if (failures-- > 0) throw new Error("nothing to present");
    };
    const { session } = opened(node, storage);
    for (let count = 0; count < 2; count++) {
      const error = await nextOf(session, "error");
      expect(error).toMatchObject({ code: "storage", cause: { message: "nothing to present" } });
      expect(session.state).toBe("waiting");
      expect(seen).toEqual([]);
    }
    await session.ready;
    expect(session.id).toBe(first.session.id);
  });

  test("what was asked for on one connection is not sent on the next", async () => {
    const node = await serve();
    const storage = new CookieStorage(node);
    const first = opened(node, storage);
    await first.session.ready;
    const seen = presentations(node.io);
    const [asked, answer] = [gate(), gate()];
    storage.before = () => {
      asked.open();
      storage.before = async () => {};
      return answer.opened;
    };
    first.socket.io.engine.close();
    await asked.opened;
    first.socket.io.engine.close();
    await until(async () => seen.length === 1 && first.session.state === "open");
    answer.open();
    await first.socket.emitWithAck("getToken", { token: "" });
    expect(seen.map(({ by }) => by)).toEqual(["handshake", "getToken"]);
  });
});
