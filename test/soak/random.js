// @ts-check
// The generator that chooses faults: the same seed gives the same order and the same parameters.

/**
 * @typedef {object} Random
 * @property {() => number} next from 0 up to 1
 * @property {(from: number, to: number) => number} between
 * @property {<T>(list: readonly T[]) => T} pick
 * @property {<T>(list: readonly T[]) => T[]} shuffled
 */

/** @param {() => number} next @returns {Random} */
function on(next) {
  const index = (/** @type {number} */ length) => Math.floor(next() * length);
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    pick(list) {
      const found = list[index(list.length)];
      if (found === undefined) throw new Error("nothing to choose from");
      return found;
    },
    shuffled(list) {
      const left = [...list];
      return list.flatMap(() => left.splice(index(left.length), 1));
    },
  };
}

/** Mulberry32: small, and good enough to choose by. @param {number} seed @returns {Random} */
export function seeded(seed) {
  let state = seed >>> 0;
  return on(() => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  });
}

/** For the clients, whose course no seed could repeat. */
export const chance = on(Math.random);
