import { hash, timingSafeEqual } from "node:crypto";

/**
 * SHA-256 of a secret's text. A fast hash is right here: the secret is random, so there is nothing to guess
 * from.
 */
export function hashSecret(secret: string): Buffer {
  return hash("sha256", secret, "buffer");
}

/** Compares two SHA-256 hashes in constant time; a missing one equals nothing. */
export function isSameHash(one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && one.byteLength === other.byteLength && timingSafeEqual(one, other);
}

/**
 * A hash in memory: text of one Latin-1 character a byte. There are several for each open session, and a
 * `Uint8Array` takes five times as much, or, as a piece of what came from the database, keeps all of that.
 */
export type HashText = string;

/** Compares two hashes in a time that depends on their length alone; a missing one equals nothing. */
export function isSameHashText(one: HashText | null, other: HashText): boolean {
  if (one === null || one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at);
  return difference === 0;
}

/**
 * A hash as it is kept: where it equals one that is kept already, that one, so that there need not be two.
 */
export function internHash(hash: Uint8Array, known: HashText | null): HashText {
  const text = bytesToText(hash);
  return known !== null && isSameHashText(known, text) ? known : text;
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
