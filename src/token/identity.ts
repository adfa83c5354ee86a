import type { Identity, Seconds } from "../store.js";

/**
 * A hash in memory: text of one Latin-1 character a byte. There are several for each open session, and a
 * `Uint8Array` takes five times as much, or, as a piece of what came from the database, keeps all of that.
 */
export type HashText = string;

/**
 * Whose session it is and what opens it, as it is kept, and what else changes beside the values. Replaced,
 * never altered.
 */
export interface KeptIdentity {
  readonly userId: string | null;
  readonly secretHash: HashText | null;
  readonly nextHash: HashText | null;
  readonly previousHash: HashText | null;
  /** The session's own idle time. */
  readonly idleSeconds: Seconds | null;
}

export const NOBODY: KeptIdentity = keepIdentity({
  userId: null,
  secretHash: null,
  nextHash: null,
  previousHash: null,
});

export function keepIdentity(
  { userId, secretHash, nextHash, previousHash }: Identity,
  idleSeconds: Seconds | null = null,
): KeptIdentity {
  return {
    userId,
    secretHash: secretHash && bytesToText(secretHash),
    nextHash: nextHash && bytesToText(nextHash),
    previousHash: previousHash && bytesToText(previousHash),
    idleSeconds,
  };
}

export function toIdentity({ userId, secretHash, nextHash, previousHash }: KeptIdentity): Identity {
  return {
    userId,
    secretHash: secretHash === null ? null : textToBytes(secretHash),
    nextHash: nextHash === null ? null : textToBytes(nextHash),
    previousHash: previousHash === null ? null : textToBytes(previousHash),
  };
}

/**
 * A hash as it is kept: where it equals one that is kept already, that one, so that there need not be two.
 */
export function keepHash(hash: Uint8Array, kept: HashText | null): HashText {
  const text = bytesToText(hash);
  return kept !== null && sameHashText(kept, text) ? kept : text;
}

/** Bytes as they are kept. */
export function bytesToText(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString("latin1");
}

export function textToBytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** Whether both are opened by the same secret, or both by none. */
export function opensBySame(one: KeptIdentity, other: KeptIdentity): boolean {
  if (one === other) return true;
  const { secretHash } = other;
  return secretHash === null ? one.secretHash === null : sameHashText(one.secretHash, secretHash);
}

/** Compares two hashes in a time that depends on their length alone; a missing one equals nothing. */
export function sameHashText(one: HashText | null, other: HashText): boolean {
  if (one === null || one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}
