import type { Identity, Seconds } from "../store.js";
import { bytesToText, type HashText, isSameHashText, textToBytes } from "./hash.js";

/**
 * Whose session it is and what opens it, as it is kept, and what else changes beside the values. Replaced,
 * never altered.
 */
export interface CompactIdentity {
  readonly userId: string | null;
  readonly secretHash: HashText | null;
  readonly nextHash: HashText | null;
  readonly previousHash: HashText | null;
  /** The session's own idle time. */
  readonly idleSeconds: Seconds | null;
}

export const NOBODY: CompactIdentity = toCompactIdentity({
  userId: null,
  secretHash: null,
  nextHash: null,
  previousHash: null,
});

export function toCompactIdentity(
  { userId, secretHash, nextHash, previousHash }: Identity,
  idleSeconds: Seconds | null = null,
): CompactIdentity {
  return {
    userId,
    secretHash: secretHash && bytesToText(secretHash),
    nextHash: nextHash && bytesToText(nextHash),
    previousHash: previousHash && bytesToText(previousHash),
    idleSeconds,
  };
}

export function toIdentity({ userId, secretHash, nextHash, previousHash }: CompactIdentity): Identity {
  return {
    userId,
    secretHash: secretHash === null ? null : textToBytes(secretHash),
    nextHash: nextHash === null ? null : textToBytes(nextHash),
    previousHash: previousHash === null ? null : textToBytes(previousHash),
  };
}

/** Whether both are opened by the same secret, or both by none. */
export function hasSameSecret(one: CompactIdentity, other: CompactIdentity): boolean {
  if (one === other) return true;
  const { secretHash } = other;
  return secretHash === null ? one.secretHash === null : isSameHashText(one.secretHash, secretHash);
}
