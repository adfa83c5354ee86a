import { createHash } from "node:crypto";
import { hashSecret } from "./hash.js";
import { type PresentedToken, parseToken } from "./token.js";

/**
 * Reads a credential that was made elsewhere, a cookie's session id for one: it is its own secret, and a hash
 * of it is the public id. So the id of a session, which anybody may know, opens nothing, and the credential
 * itself is nowhere in the table.
 */
export function opaqueToken(text: string): PresentedToken {
  const sessionId = createHash("sha256").update(`id\0${text}`, "utf8").digest("hex").slice(0, 32);
  return { text, sessionId, secretHash: hashSecret(text) };
}

/** Whether this was made elsewhere: ours are never read as such a credential. */
export function isOpaque({ text }: PresentedToken): boolean {
  return parseToken(text) === undefined;
}
