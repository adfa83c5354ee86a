import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy between clients (by WebSocket) and a server, which loses one message of a rotation. */
export interface ClientProxy {
  readonly url: string;
  /** Where connections made from now on lead. */
  to(port: number): void;
  /**
   * The next new token does not arrive; with `cut`, the connection that it came by is closed. Resolves when
   * that has happened, to what lets it arrive after all.
   */
  loseReply(how: { cut: boolean }): Promise<() => void>;
  /** The same of what the client answers to the next new token. */
  loseConfirmation(how: { cut: boolean }): Promise<() => void>;
  /** Nothing arrives at the clients, as in an app that is not in front, until what this gives is called. */
  suspend(): () => void;
  close(): Promise<void>;
}

/** `gotToken` that asks for an acknowledgement: what a server sends is not masked. */
const NEW_TOKEN = /42\d+\["gotToken"/;

export async function startClientProxy(port: number): Promise<ClientProxy> {
  const sockets = new Set<Socket>();
  const upstreams = new Set<Socket>();
  let target = port;
  let plan: { lose: "reply" | "confirmation"; cut: boolean; done: (deliver: () => void) => void } | undefined;
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    const end = () => {
      for (const socket of [client, upstream]) {
        socket.destroy();
        sockets.delete(socket);
        upstreams.delete(socket);
      }
    };
    const lose = ({ cut, done }: NonNullable<typeof plan>, to: Socket, data: Buffer) => {
      if (cut) end();
      done(() => void to.write(data));
    };
    /** What the client says next is the confirmation to be lost. */
    let awaited: typeof plan;
    upstream.on("data", (data) => {
      const planned = plan && NEW_TOKEN.test(data.toString("latin1")) ? plan : undefined;
      if (planned) plan = undefined;
      if (planned?.lose === "reply") return lose(planned, client, data);
      awaited = planned ?? awaited;
      client.write(data);
    });
    client.on("data", (data) => {
      const planned = awaited;
      awaited = undefined;
      if (planned) lose(planned, upstream, data);
      else upstream.write(data);
    });
    upstreams.add(upstream);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", end);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const planned = (lose: "reply" | "confirmation", cut: boolean) =>
    new Promise<() => void>((done) => {
      plan = { lose, cut, done };
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to(port) {
      target = port;
    },
    loseReply: ({ cut }) => planned("reply", cut),
    loseConfirmation: ({ cut }) => planned("confirmation", cut),
    suspend() {
      for (const socket of upstreams) socket.pause();
      return () => {
        for (const socket of upstreams) socket.resume();
      };
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
