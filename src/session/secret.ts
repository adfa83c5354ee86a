import type { Identity } from "../store.js";
import { sameHash } from "../token/token.js";
import type { UnheardTokens } from "../token/unconfirmed-tokens.js";
import type { Session } from "./session.js";

/** What a secret is to a session. */
export type Standing = "current" | "next" | "previous" | "none";

export function standingOf(identity: Identity, secretHash: Uint8Array, unheard: UnheardTokens): Standing {
  if (sameHash(identity.secretHash, secretHash)) return "current";
  if (sameHash(identity.nextHash, secretHash) || unheard.opens(secretHash, identity)) return "next";
  return sameHash(identity.previousHash, secretHash) ? "previous" : "none";
}

/**
 * A new secret was presented that waits in `nextHash`, or did: its client has it, so the one before is over.
 */
export function promotePresented(
  session: Session,
  secretHash: Uint8Array,
  unheard: UnheardTokens,
): Promise<void> {
  return session.edit((values) => {
    const { identity } = values;
    const standing = standingOf(identity, secretHash, unheard);
    if (standing === "current") return;
    if (standing !== "next") throw session.error("SESSION_TOKEN_CHANGED");
    values.identity = replaced(identity, secretHash);
  });
}

export function replaced(identity: Identity, secretHash: Uint8Array): Identity {
  return { ...identity, secretHash, nextHash: null, previousHash: identity.secretHash };
}
