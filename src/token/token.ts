import { hash, randomBytes } from "node:crypto";
import { v7 as uuidv7 } from "uuid";
import { hashSecret, isSameHashText } from "./hash.js";

/** What a client presents, taken apart. The secret itself is dropped at once: only its hash is needed. */
export interface PresentedToken {
  /** The token as it was presented, to be sent back to the client that presented it, and nowhere else. */
  readonly text: string;
  /** Public id: 32 lower-case hex digits. */
  readonly sessionId: string;
  /** SHA-256 of the secret: 32 bytes. */
  readonly secretHash: Buffer;
  /** There may be a row that the old package wrote for it (see legacy.ts). */
  readonly isLegacy?: true;
}

/** 32 bytes from the CSPRNG, twice the 128 bits that OWASP's session guide and NIST SP 800-63B ask for. */
const SECRET_BYTES = 32;
const TOKEN_LENGTH = 32 + 1 + 43;
const TOKEN_PATTERN = /^[0-9a-f]{32}\.[A-Za-z0-9_-]{43}$/;

/**
 * Whether a text is the token of this session, by the hash that is known of its secret, one Latin-1 character
 * a byte. Says nothing of other tokens that may open it.
 */
export function isTokenOf(presented: unknown, sessionId: string, secretHash: string | null): boolean {
  return (
    typeof presented === "string" &&
    presented.length === TOKEN_LENGTH &&
    presented.startsWith(sessionId) &&
    presented[32] === "." &&
    isSameHashText(secretHash, hash("sha256", presented.slice(33), "binary"))
  );
}

/**
 * Reads what a client sent in place of a token; `undefined` for everything that is not one. Strict on
 * purpose, and first of all: no statement is ever made with what this function did not accept.
 *
 * @example
 * parseToken("018f….3q2-…")?.sessionId
 */
export function parseToken(presented: unknown): PresentedToken | undefined {
  if (typeof presented !== "string" || presented.length !== TOKEN_LENGTH) return undefined;
  if (!TOKEN_PATTERN.test(presented)) return undefined;
  const sessionId = detached(presented.slice(0, 32));
  return { text: presented, sessionId, secretHash: hashSecret(presented.slice(33)) };
}

/**
 * A piece of a text keeps all of it: an id cut out of a token would keep the token in memory as long as its
 * session.
 */
function detached(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

/** A token, whose id is a UUIDv7, or before the first session its secret alone. */
const COOKIE_PATTERN = /^([0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15})?\.[A-Za-z0-9_-]{43}$/;
/** The first day of 2024: no session of ours is older. */
export const FIRST_ID_MS = 1_704_067_200_000;
const DAY_MS = 86_400_000;

/**
 * Whether a cookie's value is what the cookie bridge puts there, whatever the cookie's name. Of what looks
 * alike, another library's id with a signature perhaps, one in 100 000 is taken for it: what is left of
 * random ids when they must be a UUIDv7 of these years.
 */
export function isTokenCookie(value: string): boolean {
  const [matched, sessionId] = COOKIE_PATTERN.exec(value) ?? [];
  if (matched === undefined || sessionId === undefined) return matched !== undefined;
  const madeAtMs = timeOfId(sessionId);
  return madeAtMs >= FIRST_ID_MS && madeAtMs < Date.now() + DAY_MS;
}

/**
 * Makes a token for a new session: an id of our own (UUIDv7, so that rows come in order of time) and a random
 * secret. `nowMs`, Unix milliseconds, should be the database's clock, which all nodes share.
 */
export function mintToken(nowMs?: number): PresentedToken {
  const options = nowMs === undefined ? undefined : { msecs: Math.floor(nowMs) };
  return generateToken(uuidv7(options).replaceAll("-", ""));
}

/** A token with a new secret for a session that is there. */
export function generateToken(sessionId: string): PresentedToken {
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  return { text: `${sessionId}.${secret}`, sessionId, secretHash: hashSecret(secret) };
}

/** Whether this is what a session id looks like: 32 lower-case hex digits. */
export function isSessionId(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
}

/** When an id of ours was made, Unix milliseconds: the first 48 bits of a UUIDv7 (RFC 9562, section 5.7). */
export function timeOfId(sessionId: string): number {
  return Number.parseInt(sessionId.slice(0, 12), 16);
}

/** No id of ours that is made at this time, Unix milliseconds, or later comes before it. */
export function firstIdAt(ms: number): string {
  return ms.toString(16).padStart(12, "0").padEnd(32, "0");
}
