import type { IncomingMessage, ServerResponse } from "node:http";
import type { SessionMiddleware } from "./session-middleware.js";

/** What is used of a Koa context. */
export interface KoaContext {
  /** Node's request. */
  readonly req: IncomingMessage;
  /** Node's response. */
  readonly res: ServerResponse;
  /** Status of the response. */
  status: number;
  /** Body of the response. */
  body: unknown;
  /** Sets headers of the response. */
  set(headers: Record<string, string>): void;
}

/** Middleware as Koa takes it. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>;

/** Makes the middleware that gives contexts their `ctx.session`. */
export function koaMiddleware(sessions: SessionMiddleware): KoaMiddleware {
  return async (context, next) => {
    const { session: present } = context as { session?: unknown };
    const { session, answer } = await sessions.handle(context.req, context.res, present);
    if (answer) {
      context.status = answer.status;
      context.set({ ...answer.headers });
      context.body = answer.body;
      return undefined;
    }
    Object.defineProperty(context, "session", { configurable: true, enumerable: true, value: session });
    return next();
  };
}
