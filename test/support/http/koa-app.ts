import Koa, { type Context } from "koa";
import session, { type CreateSessionOptions } from "koa-session";
import { KoaSessionStore } from "../../../src/cookie-sessions/koa-session-store.js";
import type { Rig } from "../servers/rig.js";
import { CookieClient, serve } from "./cookie-client.js";

/** The request's session, as koa-session has it. */
export type KoaSession = Record<string, unknown> & {
  maxAge: number | "session";
  save(): Promise<void>;
  regenerate(): Promise<void>;
};

/** What a path does with the request's context; its answer is sent as JSON. */
export type KoaRoutes = Record<string, (context: Context & { session: KoaSession }) => unknown>;

export interface KoaApp {
  readonly store: KoaSessionStore;
  /** Errors that requests came to: with their codes. */
  readonly errors: { code?: string; message: string }[];
  client(): CookieClient;
  /** The public id of a browser's session. */
  idOf(client: CookieClient): string;
  /** The key in a browser's cookie, which nobody else is to know. */
  keyOf(client: CookieClient): string;
}

/** A real Koa application with koa-session on our store, on the server's own port. */
export function addKoaApp(
  { io, sessions, url }: Pick<Rig, "io" | "sessions" | "url">,
  routes: KoaRoutes,
  options: Partial<CreateSessionOptions> = {},
): KoaApp {
  const store = new KoaSessionStore(sessions);
  const errors: KoaApp["errors"] = [];
  const app = new Koa();
  app.keys = ["cat"];
  app.silent = true;
  app.on("error", (error) => errors.push(error));
  app.use(session({ store, ...options }, app));
  app.use(async (context) => {
    const act = routes[context.path];
    const answer = (await act?.(context as never)) ?? null;
    context.type = "json";
    context.body = JSON.stringify(answer);
  });
  serve(io, app.callback());
  const keyOf = ({ cookie }: CookieClient) => /koa\.sess=([^;]*)/.exec(cookie)?.[1] ?? "";
  return {
    store,
    errors,
    client: () => new CookieClient(url),
    idOf: (client) => store.idOf(keyOf(client)),
    keyOf,
  };
}
