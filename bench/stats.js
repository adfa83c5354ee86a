// @ts-check

/**
 * @param {readonly number[]} values at least one
 * @returns {number}
 */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * The value below which this part of all values lies, between two of them if need be.
 * @param {readonly number[]} values at least one
 * @param {number} part from 0 to 1
 * @returns {number}
 */
export function quantile(values, part) {
  const sorted = [...values].sort((one, other) => one - other);
  const place = (sorted.length - 1) * part;
  const lower = sorted[Math.floor(place)];
  const upper = sorted[Math.ceil(place)];
  if (lower === undefined || upper === undefined) throw new Error("There is no median of nothing.");
  return lower + (upper - lower) * (place - Math.floor(place));
}

/**
 * @param {readonly number[]} values
 * @returns {[number, number]}
 */
export function spread(values) {
  return [Math.min(...values), Math.max(...values)];
}

/**
 * A list that begins with another of its members each round, so that none always follows the same one.
 * @template T
 * @param {readonly T[]} list
 * @param {number} round
 * @returns {T[]}
 */
export function rotated(list, round) {
  const at = round % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
