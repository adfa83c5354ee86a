import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Line } from "../network/line.js";
import { LineStream } from "../network/line-stream.js";
import type { SimulatedProcess } from "../world/process.js";
import type { ServerProgram } from "../world/programs.js";
import type { World } from "../world/world.js";
import { CookieApplication } from "./cookie-application.js";
import type { Sessions } from "./node.js";
import { answerWithToken, type TokenRequest, tokenOf } from "./token-application.js";

/** What a request asks of the application. */
export interface Asked {
  readonly kind: string;
  /** A mark, or a user. */
  readonly given: string;
  readonly key: string;
  /** When the answer begins: after what is asked for, or before; or it has ended before. */
  readonly how: "plain" | "streamed" | "early";
  /** What else the handler waits for, before and after. Milliseconds. */
  readonly waitMs: number;
}

export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** What a handler knows of its node. */
export interface WebNode {
  readonly process: SimulatedProcess;
  readonly program: ServerProgram;
  readonly sessions: Sessions;
  readonly world: World;
}

export const SECRET = "a secret of the application, of 32 characters or more";

/** What the product is told of HTTP, beside the options of the plan. */
export function webOptions(program: ServerProgram): object {
  return { cookieSecret: SECRET, identify: program.fromCookie({ secret: SECRET }) };
}

/**
 * The HTTP server of a node: Node's own, on simulated lines. `/c/` is for requests with the cookie of
 * express-session, all else for those with a token, in a header or in the bridge's cookie.
 */
export class WebServer {
  readonly #http: Server;
  readonly #node: WebNode;
  readonly #withToken: readonly [Middleware, Middleware];
  readonly #cookies: CookieApplication;
  #count = 0;

  constructor(node: WebNode) {
    this.#node = node;
    const { sessions } = node;
    const cookie = { url: "/session" };
    this.#withToken = [sessions.express({ cookie }), sessions.express({ cookie, lazy: true })];
    this.#cookies = new CookieApplication(node);
    this.#http = createServer((request, response) => this.#answer(request, response));
  }

  accept(line: Line, address: string): void {
    this.#http.emit("connection", new LineStream(line, 1, this.#node.process, address));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { process, world } = this.#node;
    // Its text comes from a timer of Node's own.
    response.sendDate = false;
    const { pathname, searchParams } = new URL(request.url ?? "", "http://app.example");
    const asked = {
      kind: pathname.slice(3),
      given: searchParams.get("given") ?? "",
      key: searchParams.get("key") ?? "",
      how: (searchParams.get("how") ?? "plain") as Asked["how"],
      waitMs: Number(searchParams.get("waitMs")),
    };
    const name = `${process.name}/${++this.#count} ${pathname}`;
    world.timeline.tell(
      process.name,
      () => `request ${request.method} ${name} ${request.headers.cookie ? "with" : "without"} a cookie`,
    );
    world.web.begins(name, process, 2 * asked.waitMs);
    response.on("close", () => {
      world.timeline.tell(process.name, () => `request ${name} is over, ${response.statusCode}`);
      if (!response.writableFinished) world.count("HTTP: nobody heard the answer");
      world.web.ends(name);
    });
    if (pathname.startsWith("/c/")) return this.#cookies.answer(request, response, asked);
    const looks = world.web.comes(name, tokenOf(request));
    const isLazy = searchParams.has("lazy");
    this.#withToken[isLazy ? 1 : 0](request, response, (error) => {
      if (error) return world.ledger.findings.add("thrown", `${name}: ${error}`);
      answerWithToken(request as TokenRequest, response, asked, this.#node, looks);
    });
  }
}

/** Time that a handler waits for something else. */
export function wait({ process }: WebNode, ms: number): Promise<void> {
  return new Promise((resolve) => process.receive(ms, "other work", resolve));
}
