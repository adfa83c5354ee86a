import { opaqueToken } from "./opaque.js";
import { type PresentedToken, parseToken } from "./token.js";

/**
 * Tokens of socket.io-mysql-session 1.0.9: 24 random bytes in base64url. Ours have a dot, so nothing is both.
 */
const LEGACY_PATTERN = /^[A-Za-z0-9_-]{32}$/;

/** Reads what a client sent in place of a token; `undefined` for everything that is not one. */
export type TokenParser = (presented: unknown) => PresentedToken | undefined;

/** With `legacyTokens` also those of the old package. */
export function tokenParser({ legacyTokens }: { legacyTokens: boolean }): TokenParser {
  return legacyTokens ? (presented) => parseToken(presented) ?? parseLegacyToken(presented) : parseToken;
}

/** Reads a token of the old package as an opaque one; sql/adopt-tokens.sql computes id and hash too. */
export function parseLegacyToken(presented: unknown): PresentedToken | undefined {
  if (typeof presented !== "string" || !LEGACY_PATTERN.test(presented)) return undefined;
  return { ...opaqueToken(presented), isLegacy: true };
}
