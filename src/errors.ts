/**
 * The closed table of error codes. Each text is safe to log and to show to a developer: no token, no value,
 * nothing of the database's own words. `docs/errors.md` says what to do about each; a test holds the two
 * equal.
 */
export const errorTexts = {
  SESSION_OPTION_INVALID: "an option has a wrong name, type or range",
  SESSION_CONNECTION_INVALID: "a database connection is set up in a way that would corrupt values",
  SESSION_TABLE_INVALID: "the session table is missing or differs from sql/session.sql",
  SESSION_STORE_UNAVAILABLE: "the session store could not be reached in time; surely nothing was written",
  SESSION_STORE_FAILED: "the session store refused a statement for a reason that waiting does not mend",
  SESSION_UNSUPPORTED: "this store cannot do that",
  SESSION_WRITE_UNCERTAIN: "it cannot be known whether a change was written",
  SESSION_VALUE_INVALID: "a key is not a string, or a value cannot be kept as JSON",
  SESSION_ID_INVALID: "a session id must be 32 lower-case hexadecimal digits",
  SESSION_TOO_LARGE: "the values of a session would exceed maxBytes",
  SESSION_DATA_INVALID: "the data column of a row does not hold one JSON object",
  SESSION_MISSING: "this socket has no session",
  SESSION_ENDED: "the session has expired or was destroyed",
  SESSION_TOKEN_CHANGED:
    "the token of this session was changed, and this socket has not presented the new one",
  SESSION_NOT_CONFIRMED: "the client did not confirm the new token in time; everything is as it was",
  SESSION_USER_INVALID: "a user id must be 1 to 128 characters without spaces at its ends",
  SESSION_CONFLICT: "a key that a withSession handler changed was changed by somebody else meanwhile",
  SESSION_UPDATE_FAILED: "the function given to update() threw, or returned a promise",
  SESSION_NOT_ATTACHED: "the namespace of this socket has no token sessions attached",
  SESSION_QUEUE_FULL: "too many changes of one session wait for the store",
  SESSION_TOO_MANY: "too many new sessions, or cookies, for one address",
  SESSION_ORIGIN_REFUSED: "a page of another site may not use the cookie of a session",
  SESSION_IDENTIFY_FAILED: "the option identify threw, or gave no answer in time",
  SESSION_HANDLER_FAILED: "a handler failed with an error of the application's own",
  SESSION_CLOSED: "sessions.close() was called",
} as const;

/**
 * Every `code` that a {@link SessionError} can have.
 * @useDeclaredType
 */
export type SessionErrorCode = keyof typeof errorTexts;

/**
 * The one error class of the library. Tell errors apart by `code`, never by `message`. `sessions.handler(…)`
 * catches those that you do not.
 *
 * @example
 * try {
 *   await socket.session.set("cart", cart);
 * } catch (error) {
 *   if (error instanceof SessionError && error.code === "SESSION_TOO_LARGE") askToRemoveSomething();
 *   else throw error;
 * }
 */
export class SessionError extends Error {
  /** Tells it from other errors where `instanceof` cannot, as in logs. */
  override readonly name = "SessionError";
  /** What went wrong, from a closed list. */
  readonly code: SessionErrorCode;
  /** Public id of the session concerned, where there is one. */
  readonly sessionId: string | undefined;

  /**
   * `detail` follows the fixed text of the code; it must hold no token, no value and no text from the
   * database.
   */
  constructor(
    code: SessionErrorCode,
    detail?: string,
    options: { cause?: unknown; sessionId?: string } = {},
  ) {
    super(
      detail ? `${errorTexts[code]}: ${detail}` : errorTexts[code],
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.sessionId = options.sessionId;
  }
}

/** Makes a {@link SessionError} of whatever was thrown; what is unknown gets the code `otherwise`. */
export function toSessionError(
  error: unknown,
  otherwise: SessionErrorCode = "SESSION_STORE_FAILED",
  sessionId?: string,
): SessionError {
  if (error instanceof SessionError) return error;
  // Only the kind of the error is kept: a database's message may have values in it.
  const kind = error instanceof Error ? error.name : typeof error;
  return new SessionError(otherwise, `unexpected ${kind}`, { cause: error, ...(sessionId && { sessionId }) });
}

/**
 * What an application or its clients bring about in the course of things; the rest is for whoever is on call.
 */
const ORDINARY: ReadonlySet<SessionErrorCode> = new Set([
  "SESSION_MISSING",
  "SESSION_ENDED",
  "SESSION_CONFLICT",
  "SESSION_TOKEN_CHANGED",
  "SESSION_NOT_CONFIRMED",
  "SESSION_USER_INVALID",
  "SESSION_VALUE_INVALID",
  "SESSION_ID_INVALID",
  "SESSION_TOO_LARGE",
  "SESSION_UPDATE_FAILED",
  "SESSION_TOO_MANY",
]);

export function isOrdinary(code: SessionErrorCode): boolean {
  return ORDINARY.has(code);
}
