import { createHash } from "node:crypto";
import type { Clock } from "./clock.js";
import { untilAnswered } from "./retry.js";
import type { Rows } from "./rows.js";
import { hashSecret, type PresentedToken, parseToken } from "./token.js";

/** Tokens of socket.io-mysql-session 1.0.9: 24 random bytes in base64url. Ours have a dot, so nothing is both. */
const LEGACY_PATTERN = /^[A-Za-z0-9_-]{32}$/;

/** Reads what a client sent in place of a token; `undefined` for everything that is not one. */
export type TokenParser = (presented: unknown) => PresentedToken | undefined;

/** With `legacyTokens` also those of the old package. */
export function tokenParser({ legacyTokens }: { legacyTokens: boolean }): TokenParser {
  return legacyTokens ? (presented) => parseToken(presented) ?? parseLegacyToken(presented) : parseToken;
}

/**
 * Reads a token of the old package as an opaque one: it is its own secret, and a hash of it is the public id, as
 * sql/adopt-tokens.sql computes them too. So the id of a session, which anybody may know, is no token.
 */
export function parseLegacyToken(presented: unknown): PresentedToken | undefined {
  if (typeof presented !== "string" || !LEGACY_PATTERN.test(presented)) return undefined;
  const sessionId = createHash("sha256").update(`id\0${presented}`, "utf8").digest("hex").slice(0, 32);
  return { text: presented, sessionId, secretHash: hashSecret(presented), isOpaque: true };
}

/**
 * Gives the row that the old package wrote for this token, if there is one, its public id and hash. Says nothing of the outcome:
 * another process may have been quicker, or an answer lost, so the row is to be read again whatever happened.
 */
export function adoptRow(rows: Rows, token: PresentedToken, clock: Clock, deadline: number): Promise<void> {
  return untilAnswered(clock, deadline, () => rows.adopt(token));
}
