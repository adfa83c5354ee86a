import { randomInt } from "node:crypto";

/**
 * Revisions grow: a count in the high bits, so that of two rows the older one shows, and low bits of this
 * process's own. Version 0.1 picked random numbers below 2^48, and a hand may write any number; those cannot
 * be compared.
 */
export const FIRST_GROWN = 2 ** 48;
/** JavaScript counts exactly up to here. */
const END = 2 ** 53;
/**
 * 20 low bits: what two processes write on the same row, or one process twice, gets different numbers. That
 * leaves (2^53 - 2^48) / 2^20 = 8 321 499 136 writes to one session: 240 a second for 400 days.
 */
const STEP = 2 ** 20;

/**
 * Begins anywhere and grows by one, so that this process never gives a number twice for one row within a
 * million writes.
 */
let low = randomInt(STEP);

/** Whether a revision can be compared with others by its size. */
export function isGrown(revision: number): boolean {
  return revision >= FIRST_GROWN;
}

/**
 * The revision of a write on a row whose history has reached `base`; of a first write without one. Where the
 * range is used up, or somebody has written a number beyond it, a number as 0.1 gave them: not comparable,
 * and from there it grows anew.
 */
export function newRevision(base = 0): number {
  low = (low + 1) % STEP;
  const count = Math.floor(Math.max(base, FIRST_GROWN) / STEP) + 1;
  const next = count * STEP + low;
  return next < END ? next : randomInt(FIRST_GROWN - 1);
}

/**
 * Whether `revision` is that of a write on the same row as the one with `other`, or on a later one. Both have
 * grown.
 */
export function isAtLeastBeside(revision: number, other: number): boolean {
  return Math.floor(revision / STEP) >= Math.floor(other / STEP);
}
