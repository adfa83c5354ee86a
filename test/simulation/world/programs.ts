import type { Sessions, SocketServer } from "../actors/node.js";
import type { Middleware } from "../actors/web-server.js";
import type { EngineClasses } from "../network/engine.js";
import { bundle, type Mutant, Program } from "./program.js";

/** What is used of `ConnectStore`. */
export interface CookieStore {
  idOf(cookieId: string): string;
  set(cookieId: string, data: object, done: (error?: unknown) => void): void;
}

export interface ServerProgram extends EngineClasses {
  readonly Server: new (options: object) => SocketServer;
  readonly ClusterAdapter: unknown;
  readonly ConnectStore: new (sessions: Sessions) => CookieStore;
  expressSession(options: object): Middleware;
  fromCookie(options: object): unknown;
  tokenSession(options: object): Sessions;
}

/** What processes run. */
export interface Programs {
  readonly server: Program<ServerProgram>;
  readonly client: Program<typeof import("./client-program.js")>;
}

export function programsOf(texts: { server: string; client: string }): Programs {
  return {
    server: new Program(texts.server, "node.js"),
    client: new Program(texts.client, "page.js"),
  };
}

export async function bundles(mutant?: Mutant): Promise<{ server: string; client: string }> {
  const [server, client] = await Promise.all([bundle("server", mutant), bundle("client", mutant)]);
  return { server, client };
}
