import type { Socket as ServerSocket } from "socket.io";
import type { Socket as Client } from "socket.io-client";
import type { Node, Nodes } from "./nodes.js";
import { ask, type TestServerOptions } from "./server.js";

/** How a look at rows by their revisions is told from a read of them. */
export const LOOK = "select `sessionId`, `revision`";

/** An event as a handler found it. */
export interface Heard {
  readonly word: unknown;
  readonly id: string | undefined;
  readonly n: unknown;
}

/** A server whose events tell what their handler found. */
export interface FreshNode extends Node {
  /** What handlers of `say` found, in the order in which they ran. */
  readonly heard: Heard[];
  /** Statements so far that looked at rows by their revisions. */
  readonly looks: number;
  /** Resolves when so many events have come to the server, whether or not they have been passed on. */
  arrived(count: number): Promise<void>;
}

export async function freshNode(nodes: Nodes, given: TestServerOptions = {}): Promise<FreshNode> {
  const heard: Heard[] = [];
  let looks = 0;
  let count = 0;
  let waiting: { count: number; done: () => void }[] = [];
  const arrive = () => {
    count++;
    for (const each of waiting) if (each.count <= count) each.done();
    waiting = waiting.filter((each) => each.count > count);
  };
  const listen = (socket: ServerSocket) => {
    // On the connection, because catch-all listeners do not hear of tokens. Socket.IO passes a packet on in
    // the next tick.
    socket.conn.on("packet", ({ type, data }) => {
      if (type === "message" && String(data).startsWith("2")) setImmediate(arrive);
    });
    socket.on("say", (word: unknown, done?: (found: Heard) => void) => {
      const found = { word, id: socket.session.id, n: socket.session.get("n") };
      heard.push(found);
      done?.(found);
    });
  };
  const node = await nodes.node({
    ...given,
    options: { freshness: "event", ...given.options },
    handlers: (io) => io.on("connection", listen),
  });
  node.proxy.watchAnswers(LOOK, () => {
    looks++;
    return false;
  });
  return {
    ...node,
    heard,
    get looks() {
      return looks;
    },
    arrived: (count_) =>
      new Promise((resolve) => {
        if (count >= count_) resolve();
        else waiting.push({ count: count_, done: resolve });
      }),
  };
}

/** A session that two servers have open, without a cluster adapter: one writes, the other looks. */
export async function freshPair(nodes: Nodes, given: TestServerOptions = {}) {
  const [one, other] = [await nodes.node(), await freshNode(nodes, given)];
  const here = await one.connect();
  return { one, other, here, there: await other.connect(here.token) };
}

/** Resolves to what the handler of the event found. */
export function say(client: Client, word: unknown): Promise<Heard> {
  return ask<Heard>(client, "say", word);
}
