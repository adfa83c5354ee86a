import { readFileSync } from "node:fs";
import { createServer, type Server as HttpServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "@jest/globals";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Server, Socket as ServerSocket } from "socket.io";
import { listen } from "../listen.js";
import { type Node, type Nodes, useNodes } from "../servers/nodes.js";
import type { TestServerOptions } from "../servers/server.js";
import { connectToBrowser } from "./browser.js";
import type { ClientGiven, Heard, PageClient } from "./client-page-script.js";
import { newDevice } from "./demo-page.js";

export interface ClientPages {
  readonly nodes: Nodes;
  /** Where the pages come from: another origin than that of any Socket.IO server. */
  readonly origin: string;
  /** A server that pages of other origins may use; see {@link Nodes}. */
  node(given?: TestServerOptions): Promise<Node>;
  /** A new device: storage of its own. */
  device(): Promise<BrowserContext>;
  /** Loads a page with these clients; as a first visit to `device` unless it is an older one. */
  open(
    given: ClientGiven | readonly ClientGiven[],
    how?: { device?: BrowserContext; before?: (page: Page) => Promise<unknown>; sandbox?: boolean },
  ): Promise<Tab>;
  /** Its address. */
  address(given: ClientGiven | readonly ClientGiven[], how?: { sandbox?: boolean }): string;
  /** Ids of the sessions that have a row. */
  rows(): Promise<string[]>;
}

/** To be called once at the top of `describeInBrowser`. Each test has fresh devices and an empty table. */
export function useClientPages(): ClientPages {
  let browser: Browser;
  let server: HttpServer;
  let origin: string;
  const devices: Awaited<ReturnType<typeof newDevice>>[] = [];
  beforeAll(async () => {
    const scripts = new Map([
      ["/socket.io.js", readFileSync(socketIoClient, "utf8")],
      ["/page.js", await bundle()],
    ]);
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", origin);
      const script = scripts.get(pathname);
      response.setHeader("Content-Type", `text/${script ? "javascript" : "html"}; charset=utf-8`);
      // A page without an origin has no localStorage: to name it throws.
      if (searchParams.has("sandbox")) response.setHeader("Content-Security-Policy", "sandbox allow-scripts");
      response.end(script ?? PAGE);
    });
    origin = `http://127.0.0.1:${await listen(server)}`;
    browser = await connectToBrowser();
  });
  afterEach(async () => {
    const gone = devices.splice(0);
    for (const { context } of gone) await context.close();
    expect(gone.flatMap(({ wrong }) => wrong)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
  });
  // After the hooks above: pages are closed before the servers that they are connected to.
  const nodes = useNodes();
  beforeEach(() => nodes.database.pool.query("delete from session"));
  const pages: ClientPages = {
    nodes,
    get origin() {
      return origin;
    },
    node: (given = {}) => nodes.node({ ...given, io: { cors: { origin: "*" }, ...given.io } }),
    async device() {
      const device = await newDevice(browser);
      devices.push(device);
      return device.context;
    },
    address(given, { sandbox = false } = {}) {
      const clients = JSON.stringify([given].flat());
      return `${origin}/?${new URLSearchParams({ clients, ...(sandbox && { sandbox: "" }) })}`;
    },
    async open(given, { device, before, sandbox = false } = {}) {
      const page = await (device ?? (await pages.device())).newPage();
      await before?.(page);
      await page.goto(pages.address(given, { sandbox }));
      return new Tab(page);
    },
    async rows() {
      const found = await nodes.database.rows<{ sessionId: string }>("select sessionId from session");
      return found.map(({ sessionId }) => sessionId);
    },
  };
  return pages;
}

/** One client of a page in a browser. */
export class Tab {
  readonly page: Page;
  readonly #index: number;

  constructor(page: Page, index = 0) {
    this.page = page;
    this.#index = index;
  }

  /** Another client of the same page. */
  client(index: number): Tab {
    return new Tab(this.page, index);
  }

  /** Runs this in the page. */
  run<Result, Given = undefined>(
    what: (client: PageClient, given: Given) => Result | Promise<Result>,
    given?: Given,
  ): Promise<Result> {
    return this.page.evaluate(this.#call(what, given));
  }

  /** Resolves when this is so in the page. */
  async until<Given = undefined>(
    what: (client: PageClient, given: Given) => unknown,
    given?: Given,
  ): Promise<void> {
    await this.page.waitForFunction(this.#call(what, given));
  }

  /** Resolves when the session is open, and not the one of that id. */
  opened({ not = "" } = {}): Promise<void> {
    return this.until(
      ({ session, socket }, not) => socket.connected && session.state === "open" && session.id !== not,
      not,
    );
  }

  /** Resolves when the session has this token. */
  holds(token: string): Promise<void> {
    return this.until(({ session }, token) => session.token === token && session.state === "open", token);
  }

  id(): Promise<string> {
    return this.run(({ session }) => session.id);
  }

  token(): Promise<string> {
    return this.run(({ session }) => session.token);
  }

  heard(name?: Heard["name"]): Promise<Heard[]> {
    return this.run(({ heard }, name) => heard.filter((one) => !name || one.name === name), name);
  }

  /** What the page has stored under the default key. */
  stored(url: string): Promise<string | null> {
    return this.page.evaluate((key) => localStorage.getItem(key), keyFor(url));
  }

  /** The server's side of it. */
  async at(io: Server): Promise<ServerSocket> {
    const [nsp, id] = await this.run(({ socket }) => [(socket as never as { nsp: string }).nsp, socket.id]);
    const socket = io.of(nsp ?? "/").sockets.get(id ?? "");
    if (!socket) throw new Error("the page is not connected");
    return socket;
  }

  #call(what: (client: PageClient, given: never) => unknown, given: unknown): string {
    return `(${what})(window.clients[${this.#index}], ${JSON.stringify(given)})`;
  }
}

/** The key that the client stores its token by. */
export const keyFor = (url: string) => `socket.io-token-session.${url.replace(/[^\w.-]/g, "_")}`;

/** What is presented to a server by clients that connect from now on, as it comes in: whole tokens. */
export function presentations({ engine }: Server): { by: "handshake" | "getToken"; token: string }[] {
  const seen: ReturnType<typeof presentations> = [];
  engine.on("connection", (connection: { on(event: "packet", listener: (packet: Packet) => void): void }) =>
    connection.on("packet", ({ data }) => {
      const [, type, content] = /^(0|2\d*)(?:\/\w+,)?([[{].*)/.exec(String(data)) ?? [];
      if (!content) return;
      const parsed = JSON.parse(content);
      if (type === "0") seen.push({ by: "handshake", token: parsed.token });
      else if (parsed[0] === "getToken") seen.push({ by: "getToken", token: parsed[1].token });
    }),
  );
  return seen;
}

interface Packet {
  data?: unknown;
}

const PAGE = `<!doctype html><title>app</title><link rel="icon" href="data:,">
<script src="/socket.io.js"></script><script src="/page.js"></script>`;

export const socketIoClient = path.join(
  path.dirname(createRequire(import.meta.url).resolve("socket.io-client/package.json")),
  "dist/socket.io.js",
);

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.resolve(import.meta.dirname, "client-page-script.ts")],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2020",
    logLevel: "warning",
  });
  return outputFiles[0]?.text ?? "";
}
