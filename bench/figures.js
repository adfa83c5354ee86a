// @ts-check
// From what the rounds gave to one line of the table.
import { median, spread } from "./stats.js";

/** @typedef {import("./context.js").Figure} Figure */
/** @typedef {{ most?: number, least?: number, of?: (values: readonly number[]) => number }} Wanted */

/**
 * The median of the rounds, or what `of` makes of them; beside what is wanted, if anything is.
 * @param {string} label
 * @param {string} unit
 * @param {readonly number[]} values one for each round
 * @param {Wanted} [wanted]
 * @returns {Figure}
 */
export function figure(label, unit, values, { most, least, of = median } = {}) {
  const value = of(values);
  /** @type {Figure} */
  const told = { label, value, unit, ...(values.length > 1 && { spread: spread(values) }) };
  const limit = most ?? least;
  if (limit === undefined) return told;
  const written = unit === "" || unit === "×" ? `${limit}${unit}` : `${limit} ${unit}`;
  return {
    ...told,
    wanted: `${most === undefined ? "≥" : "≤"} ${written}`,
    reached: most === undefined ? value >= limit : value <= limit,
  };
}

/** Of counts that none of the rounds may exceed: the worst. @param {readonly number[]} values */
export const greatest = (values) => Math.max(...values);
