/**
 * Types only: `import "socket.io-token-session/koa"` gives Koa's contexts their `ctx.session`
 * (`RequestSession`), which `app.use(sessions.koa())` puts there.
 *
 * @module
 */
import type {} from "koa";
import type { RequestSession } from "../request-session.js";

// The type of `ctx.session`, apart from the rest: where koa-session is used, that is another.
declare module "koa" {
  interface DefaultContext {
    /** This request's token session; there after `app.use(sessions.koa())`. */
    readonly session: RequestSession;
  }
}
