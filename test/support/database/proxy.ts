import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { listen } from "../listen.js";

/** A TCP proxy before a database, with which a test makes the network fail. */
export interface DatabaseProxy {
  /** The given URL by way of this proxy. */
  through(url: string): string;
  /** Cuts all connections and refuses new ones. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Connections stay open, but nothing gets through any more; those opened later work. */
  hang(): void;
  /**
   * Passes the next statement on, then cuts its connection in place of the answer. Resolves when it has done
   * so.
   */
  cutNextAnswer(matching: string): Promise<void>;
  /**
   * Looks at the answers to all such statements from now on, and may cut their connections in place of them.
   */
  watchAnswers(matching: string, onAnswer: OnAnswer): void;
  /** Resolves when the next such statement has been passed on to the server. */
  passed(matching: string): Promise<void>;
  /** Keeps the next such statement from the server. Resolves when it has come. */
  hold(matching: string): Promise<HeldStatement>;
  /** Connections accepted so far. */
  readonly accepted: number;
  close(): Promise<void>;
}

/**
 * Hears of an answer: how many rows were changed, `undefined` if it is not of a kind that says so. Returns
 * whether to cut the connection in place of it.
 */
export type OnAnswer = (changed: number | undefined) => boolean;

/** A statement on its way, in the hands of a test. */
export interface HeldStatement {
  /** Cuts the connection that it came by; the statement itself may still be passed on. */
  abandon(): void;
  /** Passes it on. Resolves when the server has answered: how many rows were changed. */
  release(): Promise<number | undefined>;
}

export async function startProxy(targetUrl: string): Promise<DatabaseProxy> {
  const target = new URL(targetUrl);
  const pairs = new Set<[Socket, Socket]>();
  const watched: { matching: string; onAnswer: OnAnswer }[] = [];
  let cut: { matching: string; done: () => void } | undefined;
  let watch: { matching: string; done: () => void } | undefined;
  let holding: { matching: string; done: (held: HeldStatement) => void } | undefined;
  let accepted = 0;

  const server = createServer((client) => {
    accepted++;
    const upstream = connect(Number(target.port || 3306), target.hostname);
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    /** What the statement under way wants of its answer. */
    let onAnswer: OnAnswer | undefined;
    let kept = false;
    const end = () => {
      client.destroy();
      if (kept) return;
      upstream.destroy();
      pairs.delete(pair);
    };
    const hold = (data: Buffer): HeldStatement => ({
      abandon() {
        kept = true;
        end();
      },
      release: () =>
        new Promise((resolve) => {
          onAnswer = (changed) => {
            resolve(changed);
            return kept;
          };
          upstream.write(data);
        }),
    });
    client.on("data", (data) => {
      const { done } = (cut && data.includes(cut.matching) && cut) || {};
      if (done) {
        cut = undefined;
        onAnswer = () => {
          done();
          return true;
        };
      } else onAnswer = watched.find(({ matching }) => data.includes(matching))?.onAnswer;
      if (holding && data.includes(holding.matching)) {
        const { done } = holding;
        holding = undefined;
        return done(hold(data));
      }
      const seen = watch && data.includes(watch.matching) ? watch : undefined;
      if (seen) watch = undefined;
      upstream.write(data, () => seen?.done());
    });
    upstream.on("data", (data) => {
      const hear = onAnswer;
      onAnswer = undefined;
      if (hear?.(changedBy(data))) {
        kept = false;
        end();
      } else client.write(data);
    });
    for (const socket of pair) {
      socket.on("error", end);
      socket.on("close", end);
    }
  });
  const down = async () => {
    const closed = server.listening ? once(server, "close") : Promise.resolve();
    if (server.listening) server.close();
    for (const [client, upstream] of [...pairs]) {
      client.destroy();
      upstream.destroy();
    }
    await closed;
  };
  const port = await listen(server);

  return {
    through(url) {
      const proxied = new URL(url);
      proxied.hostname = "127.0.0.1";
      proxied.port = String(port);
      return proxied.href;
    },
    down,
    up: async () => void (await listen(server, port)),
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
    watchAnswers(matching, onAnswer) {
      watched.push({ matching, onAnswer });
    },
    passed(matching) {
      return new Promise((resolve) => {
        watch = { matching, done: resolve };
      });
    },
    hold(matching) {
      return new Promise((resolve) => {
        holding = { matching, done: resolve };
      });
    },
    get accepted() {
      return accepted;
    },
    close: down,
  };
}

/**
 * Affected rows of an OK packet: four bytes of header, a zero, then the number, a single byte where it is
 * below 251.
 */
function changedBy(answer: Buffer): number | undefined {
  return answer[4] === 0 ? answer[5] : undefined;
}
