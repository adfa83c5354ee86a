import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/**
 * A TCP proxy before a database that gives errors in the server's place, and keeps count of what went through
 * it.
 */
export interface AnsweringProxy {
  /** The given URL by way of this proxy. */
  through(url: string): string;
  /**
   * Answers the next such statement with this error; what is planned for one statement waits for those
   * planned before. `passOn`: the server runs it all the same, and its own answer is swallowed. `hangUp`: the
   * connection is closed behind the error. `sqlState`: HY000 where it is not given.
   */
  answerNext(matching: string, errno: number, how?: Answering): void;
  /** Greets the next connection with this error. */
  refuseNextConnection(errno: number): void;
  /** Kinds of the statements on the session table so far: "update", "select", "insert", "delete". */
  readonly statements: string[];
  /** Error numbers that the server itself has answered with. */
  readonly errors: number[];
  close(): Promise<void>;
}

export interface Answering {
  passOn?: boolean;
  hangUp?: boolean;
  sqlState?: string;
}

const COM_QUERY = 3;
const ERR = 0xff;

export async function startAnsweringProxy(targetUrl: string): Promise<AnsweringProxy> {
  const target = new URL(targetUrl);
  const statements: string[] = [];
  const errors: number[] = [];
  const planned: (Answering & { matching: string; errno: number })[] = [];
  let refusal: number | undefined;

  const server = createServer((client) => {
    client.on("error", () => client.destroy());
    if (refusal !== undefined) {
      client.end(errorPacket(refusal, 0));
      refusal = undefined;
      return;
    }
    const upstream = connect(Number(target.port || 3306), target.hostname);
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
    let swallow: (() => void) | undefined;
    client.on("data", (data) => {
      const isOurs = data[4] === COM_QUERY && data.includes("`session`");
      // The statement's first word: MySQL, but not MariaDB, has two bytes before it.
      const kind =
        isOurs && /^[^a-z]{0,2}(select|update|insert|delete)/.exec(data.toString("latin1", 5))?.[1];
      if (kind) statements.push(kind);
      const plan = planned[0] && data.includes(planned[0].matching) ? planned[0] : undefined;
      if (!plan) {
        upstream.write(data);
        return;
      }
      planned.shift();
      const answer = () => {
        const packet = errorPacket(plan.errno, 1, plan.sqlState);
        if (plan.hangUp) client.end(packet);
        else client.write(packet);
      };
      if (plan.passOn) {
        swallow = answer;
        upstream.write(data);
      } else answer();
    });
    upstream.on("data", (data) => {
      if (data[4] === ERR && data.length > 6) errors.push(data.readUInt16LE(5));
      if (swallow) swallow();
      else client.write(data);
      swallow = undefined;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    through(url) {
      const proxied = new URL(url);
      proxied.hostname = "127.0.0.1";
      proxied.port = String(port);
      return proxied.href;
    },
    answerNext(matching, errno, how = {}) {
      planned.push({ matching, errno, ...how });
    },
    refuseNextConnection(errno) {
      refusal = errno;
    },
    statements,
    errors,
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}

/** An ERR packet of the MySQL protocol; before the greeting (`sequence` 0) there is no SQL state in it. */
function errorPacket(errno: number, sequence: number, sqlState = "HY000"): Buffer {
  const text = `${sequence === 0 ? "" : `#${sqlState}`}said by a test`;
  const packet = Buffer.alloc(4 + 3 + text.length);
  packet.writeUIntLE(3 + text.length, 0, 3);
  packet[3] = sequence;
  packet[4] = ERR;
  packet.writeUInt16LE(errno, 5);
  packet.write(text, 7, "latin1");
  return packet;
}
