import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy before a database, with which a test makes the network fail. */
export interface DatabaseProxy {
  /** The given URL by way of this proxy. */
  through(url: string): string;
  /** Cuts all connections and refuses new ones. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Connections stay open, but nothing gets through any more; those opened later work. */
  hang(): void;
  /** Passes the next statement on, then cuts its connection in place of the answer. Resolves when it has done so. */
  cutNextAnswer(matching: string): Promise<void>;
  /** Resolves when the next such statement has been passed on to the server. */
  passed(matching: string): Promise<void>;
  /** Connections accepted so far. */
  readonly accepted: number;
  close(): Promise<void>;
}

export async function startProxy(targetUrl: string): Promise<DatabaseProxy> {
  const target = new URL(targetUrl);
  const pairs = new Set<[Socket, Socket]>();
  let cut: { matching: string; done: () => void } | undefined;
  let watch: { matching: string; done: () => void } | undefined;
  let accepted = 0;

  const server = createServer((client) => {
    accepted++;
    const upstream = connect(Number(target.port || 3306), target.hostname);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    let cutting: (() => void) | undefined;
    const end = () => {
      client.destroy();
      upstream.destroy();
      pairs.delete(pair);
    };
    client.on("data", (data) => {
      if (cut && data.includes(cut.matching)) {
        cutting = cut.done;
        cut = undefined;
      }
      const seen = watch && data.includes(watch.matching) ? watch : undefined;
      if (seen) watch = undefined;
      upstream.write(data, () => seen?.done());
    });
    upstream.on("data", (data) => {
      if (cutting) {
        end();
        cutting();
      } else client.write(data);
    });
    for (const socket of pair) {
      socket.on("error", end);
      socket.on("close", end);
    }
  });
  const listen = async (port: number) => {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  };
  const down = async () => {
    const closed = server.listening ? once(server, "close") : Promise.resolve();
    if (server.listening) server.close();
    for (const [client, upstream] of [...pairs]) {
      client.destroy();
      upstream.destroy();
    }
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;

  return {
    through(url) {
      const proxied = new URL(url);
      proxied.hostname = "127.0.0.1";
      proxied.port = String(port);
      return proxied.href;
    },
    down,
    up: () => listen(port),
    hang() {
      for (const pair of pairs) {
        const [client, upstream] = pair;
        client.removeAllListeners("data");
        upstream.removeAllListeners("data");
        client.pause();
        upstream.pause();
      }
    },
    cutNextAnswer(matching) {
      return new Promise((resolve) => {
        cut = { matching, done: resolve };
      });
    },
    passed(matching) {
      return new Promise((resolve) => {
        watch = { matching, done: resolve };
      });
    },
    get accepted() {
      return accepted;
    },
    close: down,
  };
}
