import type { Identity } from "../store.js";
import { isSameHash } from "../token/hash.js";
import type { UnconfirmedTokens } from "../token/unconfirmed-tokens.js";
import type { Session } from "./session.js";

/** What a secret is to a session. */
export type Standing = "current" | "next" | "previous" | "none";

export function standingOf(
  identity: Identity,
  secretHash: Uint8Array,
  unconfirmed: UnconfirmedTokens,
): Standing {
  if (isSameHash(identity.secretHash, secretHash)) return "current";
  if (isSameHash(identity.nextHash, secretHash) || unconfirmed.canOpen(secretHash, identity)) return "next";
  return isSameHash(identity.previousHash, secretHash) ? "previous" : "none";
}

/**
 * A new secret was presented that waits in `nextHash`, or did: its client has it, so the one before is over.
 */
export function promotePresented(
  session: Session,
  secretHash: Uint8Array,
  unconfirmed: UnconfirmedTokens,
): Promise<void> {
  return session.edit((values) => {
    const { identity } = values;
    const standing = standingOf(identity, secretHash, unconfirmed);
    if (standing === "current") return;
    if (standing !== "next") throw session.error("SESSION_TOKEN_CHANGED");
    values.identity = replaceSecret(identity, secretHash);
  });
}

export function replaceSecret(identity: Identity, secretHash: Uint8Array): Identity {
  return { ...identity, secretHash, nextHash: null, previousHash: identity.secretHash };
}
