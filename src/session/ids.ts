import { SessionError } from "../errors.js";
import { isSessionId } from "../token/token.js";

/** Checks a user id and gives it as text. Errors: `SESSION_USER_INVALID`. */
export function toUserId(userId: unknown): string {
  const text = Number.isSafeInteger(userId) ? String(userId) : userId;
  // MySQL compares without regard to spaces at the end, keeps 128 characters, and has no lone surrogates.
  const isFit =
    typeof text === "string" &&
    text !== "" &&
    text.trim() === text &&
    [...text].length <= 128 &&
    !/\p{Cs}/u.test(text);
  if (!isFit) throw new SessionError("SESSION_USER_INVALID");
  return text;
}

export function checkId(sessionId: unknown): void {
  if (!isSessionId(sessionId)) throw new SessionError("SESSION_ID_INVALID");
}
