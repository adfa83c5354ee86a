/**
 * Types only: `import "socket.io-token-session/fastify"` gives Fastify's requests their `request.session`
 * (`RequestSession`), which `app.register(sessions.fastify())` puts there.
 *
 * @module
 */
import type {} from "fastify";
import type { RequestSession } from "../request-session.js";

// The type of `request.session`, apart from the rest: where @fastify/session is used, that is another.
declare module "fastify" {
  interface FastifyRequest {
    /** This request's token session; there after `app.register(sessions.fastify())`. */
    session: RequestSession;
  }
}
