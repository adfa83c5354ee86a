import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../base/log.js";
import { LogOnce } from "../base/log-once.js";
import { packagedText } from "../base/packaged-text.js";

const NAME = "socket.io-token-session.js";
const FILE = `dist/client/${NAME}` as const;

/** A Socket.IO server, by what of it is needed here: all public, and there since 4.6. */
interface ScriptServer {
  engine?: unknown;
  path?: () => unknown;
  bind?: (engine: unknown) => unknown;
}

/** Of Engine.IO's server. */
interface Engine {
  readonly opts?: { readonly path?: unknown; readonly cors?: unknown };
  handleRequest?: (request: IncomingMessage, response: ServerResponse) => unknown;
}

interface Script {
  readonly content: Buffer;
  readonly tag: string;
}

const serving = new WeakSet<object>();

/**
 * The script-tag file, served beside Socket.IO's own: at the handlers of requests that Engine.IO has anyway,
 * so that it does not matter whether the HTTP server listens already, what else answers on it, and whether
 * Socket.IO serves its own. Not by `engine.use`: that would put a promise before every request, and keep
 * WebTransport out.
 */
export class ClientScript {
  readonly #log: Log;
  readonly #text: () => string;
  #script: Script | undefined;
  readonly #once = new LogOnce();

  constructor(log: Log, text = () => packagedText(FILE)) {
    this.#log = log;
    this.#text = text;
  }

  /** Serves it on a Socket.IO server, once; where that lacks something which this needs, not at all. */
  serveOn(server: object): void {
    const { engine, bind } = server as ScriptServer;
    if (serving.has(server)) return;
    serving.add(server);
    this.#serveBy(engine, server);
    if (typeof bind !== "function") return;
    // Each HTTP server that it is attached to from now on brings an engine of its own.
    (server as ScriptServer).bind = (next) => {
      this.#serveBy(next, server);
      return bind.call(server, next);
    };
  }

  #serveBy(given: unknown, server: ScriptServer): void {
    const engine = (given ?? {}) as Engine;
    const { handleRequest } = engine;
    if (typeof handleRequest !== "function") return;
    engine.handleRequest = (...given) => {
      const [request, response] = given;
      if (isAskedFor(request, server, engine)) this.#answer(request, response, engine);
      else handleRequest.apply(engine, given);
    };
  }

  #answer({ headers }: IncomingMessage, response: ServerResponse, engine: Engine) {
    const script = this.#read();
    if (!script) {
      response.writeHead(404);
      response.end();
      return;
    }
    const { content, tag } = script;
    response.setHeader("Cache-Control", "public, max-age=0");
    response.setHeader("ETag", tag);
    // It is the same for everybody, so where other origins may come at all, each may have it.
    if (engine.opts?.cors) response.setHeader("Access-Control-Allow-Origin", "*");
    if (isTagAmong(tag, headers["if-none-match"])) {
      response.writeHead(304);
      response.end();
      return;
    }
    response.writeHead(200, {
      "Content-Type": "text/javascript; charset=utf-8",
      "Content-Length": content.byteLength,
    });
    // Node leaves it out where the question was HEAD.
    response.end(content);
  }

  /** Once; what is missing is looked for again, and logged once. */
  #read(): Script | undefined {
    try {
      this.#script ??= toScript(Buffer.from(this.#text()));
    } catch {
      if (this.#once.isDue())
        this.#log.error({}, `the client script cannot be served: ${FILE} of the package cannot be read`);
    }
    return this.#script;
  }
}

function toScript(content: Buffer): Script {
  return { content, tag: `"${createHash("sha256").update(content).digest("base64url")}"` };
}

function isAskedFor({ method, url = "" }: IncomingMessage, server: ScriptServer, { opts }: Engine): boolean {
  // The common request is another one.
  if (!url.includes(NAME) || (method !== "GET" && method !== "HEAD")) return false;
  const [path] = url.split("?", 1);
  // `io.attach(httpServer, { path })` leaves the server's own path as it was.
  return [opts?.path, server.path?.()].some(
    (each) => typeof each === "string" && path === `${each.replace(/\/$/, "")}/${NAME}`,
  );
}

/** By weak comparison, as is due for `If-None-Match`. */
function isTagAmong(tag: string, given: string | undefined): boolean {
  const tags = given?.split(",").map((each) => each.trim().replace(/^W\//, "")) ?? [];
  return tags.includes(tag) || tags.includes("*");
}
