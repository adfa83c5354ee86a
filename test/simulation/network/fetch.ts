import { Agent, type IncomingMessage, request as send } from "node:http";
import type { Duplex } from "node:stream";
import type { Jar } from "../actors/jar.js";
import type { SimulatedProcess } from "../world/process.js";
import type { Line } from "./line.js";
import { LineStream } from "./line-stream.js";

export const ORIGIN = "http://app.example";
/** How long a page waits for an answer. */
const PATIENCE_MS = 40_000;

/** What is used of the answer to a `fetch`. */
export interface Fetched {
  readonly status: number;
  readonly ok: boolean;
  readonly url: string;
  readonly headers: Headers;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

/** Beside what `fetch` takes: what the page, or the network, does to a request. Milliseconds. */
export interface Fate {
  /** The page gives it up. */
  readonly abortAfterMs?: number;
  /** The connection is cut. */
  readonly cutAfterMs?: number;
}

export type Fetch = (
  input: string | { readonly url: string },
  init?: {
    readonly method?: string;
    readonly headers?: ConstructorParameters<typeof Headers>[0];
    readonly fate?: Fate;
  },
) => Promise<Fetched>;

interface Browser {
  readonly process: SimulatedProcess;
  readonly jar: Jar;
  readonly address: string;
  /** Several requests one after the other on one connection. */
  readonly keepsAlive: boolean;
  count(what: string): void;
  /** A line to a node, which has accepted it. */
  dial(): Line | undefined;
  /** Before the page hears of it: the headers of an answer have arrived. */
  arrives(response: IncomingMessage): void;
  /** The whole of an answer has. */
  completes(response: IncomingMessage): void;
}

/** `fetch` of a page: Node's own HTTP client on simulated lines, with a browser's cookies. */
export function simulatedFetch(browser: Browser): Fetch {
  const { process, jar, address, keepsAlive } = browser;
  const lines = new WeakMap<Duplex, Line>();
  const connect = () => {
    const line = browser.dial();
    if (!line) return undefined;
    const stream = new LineStream(line, 0, process, address);
    lines.set(stream, line);
    return stream;
  };
  const agent = keepsAlive ? new Agent({ keepAlive: true, maxSockets: 6 }) : undefined;
  if (agent) Object.assign(agent, { createConnection: connect });
  return (input, { method = "GET", headers: given, fate = {} } = {}) =>
    new Promise((resolve, reject) => {
      const url = new URL(typeof input === "string" ? input : input.url, ORIGIN);
      const fail = () => reject(new TypeError("Failed to fetch"));
      // Where no node answers, the agent would want a socket all the same.
      const connection = agent ? undefined : connect();
      if (!agent && !connection) return void process.receive(20, "refused", fail);
      const headers: Record<string, string> = { host: url.host, "sec-fetch-site": "same-origin" };
      for (const [name, value] of new Headers(given)) headers[name] = value;
      if (jar.header) headers["cookie"] = jar.header;
      if (method !== "GET") headers["origin"] = ORIGIN;
      const request = send({
        host: url.host,
        path: url.pathname + url.search,
        method,
        headers,
        ...(agent ? { agent } : { createConnection: () => connection as Duplex }),
      });
      process.receive(PATIENCE_MS, "patience", () => request.destroy());
      if (fate.abortAfterMs !== undefined)
        process.receive(fate.abortAfterMs, "abort", () => {
          if (!request.closed) browser.count("HTTP given up by the page");
          request.destroy();
        });
      if (fate.cutAfterMs !== undefined)
        process.receive(fate.cutAfterMs, "cut", () => {
          if (!request.socket || request.closed) return;
          browser.count("HTTP cut by the network");
          lines.get(request.socket)?.cut();
        });
      request.on("error", fail);
      request.on("response", (response) => {
        jar.take(response.headers["set-cookie"] ?? []);
        browser.arrives(response);
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", fail);
        response.on("end", () => {
          browser.completes(response);
          const text = Buffer.concat(chunks).toString();
          const status = response.statusCode ?? 0;
          const headers = new Headers();
          for (const [name, value] of Object.entries(response.headers))
            if (name !== "set-cookie") headers.set(name, String(value));
          resolve({
            status,
            ok: status >= 200 && status < 300,
            url: url.href,
            headers,
            text: async () => text,
            json: async () => JSON.parse(text),
          });
        });
        response.on("close", () => {
          if (!response.complete) fail();
        });
      });
      request.end();
    });
}
