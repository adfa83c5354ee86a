// @ts-check
import { setImmediate as turn } from "node:timers/promises";

/** @typedef {"bare" | "ours"} Way */
/**
 * @typedef {{ bare: number[], ours: number[], last: Record<Way, string> }} Taken milliseconds, and the last
 * value set
 */

/**
 * Sets a value now in one way and now in the other, one after the other, and times each.
 * @param {number} times for each of the two
 * @param {(way: Way, value: string) => Promise<unknown>} set
 * @returns {Promise<Taken>}
 */
export async function alternating(times, set) {
  /** @type {Taken} */
  const taken = { bare: [], ours: [], last: { bare: "", ours: "" } };
  for (let n = 0; n < times * 2; n += 1) {
    // Each comes first as often as second, and begins when the other one has left nothing to do.
    const way = n % 4 === 0 || n % 4 === 3 ? "bare" : "ours";
    const value = String(n).padStart(20, "0");
    await turn();
    const begun = performance.now();
    await set(way, value);
    taken[way].push(performance.now() - begun);
    taken.last[way] = value;
  }
  return taken;
}
