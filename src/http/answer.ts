import { SessionError, type SessionErrorCode } from "../errors.js";

/** An answer in place of the application's own. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** What a client is told that gets nothing. */
export interface RefusalBody {
  readonly code: SessionErrorCode;
  readonly message: string;
}

/** Why a request has no session. */
export type Missing = "none" | "unknown" | "expired";

/** When a client may try again: about as long as a database takes to come back. Seconds. */
const RETRY_AFTER = 5;

const MISSING: Record<Missing, RefusalBody> = {
  none: { code: "SESSION_MISSING", message: "A session is required" },
  // The words of `gotToken`.
  unknown: { code: "SESSION_MISSING", message: "Session Not Found" },
  expired: { code: "SESSION_ENDED", message: "Session Expired" },
};

/** Nothing that is said of sessions is for a cache (RFC 9111, section 5.2.2.5). */
export function answer(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { "Cache-Control": "no-store", ...headers }, body };
}

/** For a request that must have a session and has none. The challenge is that of RFC 6750, section 3. */
export function unauthorized(missing: Missing): Answer {
  const body = MISSING[missing];
  const challenge =
    missing === "none" ? "Bearer" : `Bearer error="invalid_token", error_description="${body.message}"`;
  return answer(401, body, { "WWW-Authenticate": challenge });
}

/** For a request whose token could not be looked at: nobody is logged out because of that. */
export function unavailable({ code }: SessionError): Answer {
  const body: RefusalBody = { code, message: "Session store unavailable" };
  return answer(503, body, { "Retry-After": String(RETRY_AFTER) });
}

/** For what a client may not do. */
export function refused(status: 403 | 429, code: SessionErrorCode): Answer {
  const { message } = new SessionError(code);
  return answer(status, { code, message } satisfies RefusalBody);
}
