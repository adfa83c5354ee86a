import express, { type Request, type Response } from "express";
import session, { type SessionOptions } from "express-session";
import { ConnectStore } from "../../../src/cookie-sessions/express-session-store.js";
import type { Rig } from "../servers/rig.js";
import { CookieClient, serve } from "./cookie-client.js";

export type Session = Request["session"] & Record<string, unknown>;

/** What a path does with the request's session; its answer is sent as JSON. */
export type Routes = Record<string, (session: Session, request: Request) => unknown>;

export interface ExpressApp {
  readonly store: ConnectStore;
  /** Errors that requests came to: with their codes. */
  readonly errors: { code?: string; message: string }[];
  /** A browser without a cookie. */
  client(): CookieClient;
  /** The public id of a browser's session. */
  idOf(client: CookieClient): string;
  /** The id in a browser's cookie, which nobody else is to know. */
  sidOf(client: CookieClient): string;
}

/** A real Express application with express-session on our store, on the server's own port. */
export function addExpressApp(
  { io, sessions, url }: Pick<Rig, "io" | "sessions" | "url">,
  routes: Routes,
  options: Partial<SessionOptions> = {},
): ExpressApp {
  const store = new ConnectStore(sessions);
  const errors: ExpressApp["errors"] = [];
  const app = express();
  app.use(session({ store, secret: "cat", resave: false, saveUninitialized: false, ...options }));
  for (const [path, act] of Object.entries(routes))
    app.get(path, async (request: Request, response: Response) => {
      response.json((await act(request.session as Session, request)) ?? null);
    });
  app.use((error: Error, _: Request, response: Response, __: () => void) => {
    errors.push(error);
    // After the answer has begun, nothing can be said of it any more.
    if (!response.headersSent) response.status(500).json((error as { code?: string }).code ?? error.message);
  });
  serve(io, app);
  const sidOf = ({ cookie }: CookieClient) =>
    decodeURIComponent(cookie.split("=")[1] ?? "").replace(/^s:|\.[^.]*$/g, "");
  return {
    store,
    errors,
    client: () => new CookieClient(url),
    idOf: (client) => store.idOf(sidOf(client)),
    sidOf,
  };
}

/** Runs one of express-session's methods that call back. */
export function called(run: (done: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => (error ? reject(error) : resolve()));
  });
}
