/**
 * Types only: `import "socket.io-token-session/express"` gives Express's requests their `req.session`
 * (`RequestSession`), which `app.use(sessions.express())` puts there.
 *
 * @module
 */
import type { RequestSession } from "../request-session.js";

// The type of `req.session`, apart from the rest: where express-session is used, that is another.
declare global {
  namespace Express {
    /** A request, as Express types it. */
    interface Request {
      /** This request's token session; there after `app.use(sessions.express())`. */
      readonly session: RequestSession;
    }
  }
}
