import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./answer.js";
import type { SessionMiddleware } from "./session-middleware.js";

/** Middleware as Express, Connect and everything like them take it. */
export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** Makes the middleware that gives requests their `req.session`. */
export function expressMiddleware(sessions: SessionMiddleware): ExpressMiddleware {
  return (request, response, next) => {
    const { session: present } = request as { session?: unknown };
    sessions.handle(request, response, present).then(({ session, answer }) => {
      if (answer) return send(response, answer);
      Object.defineProperty(request, "session", { configurable: true, enumerable: true, value: session });
      next();
    }, next);
  };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  // While the row was waited for: a middleware that limits how long a request may take.
  if (response.headersSent) return;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.end(JSON.stringify(body));
}
