// @ts-check
// What the page and the server both know: the products, the limits, and how the session's values are read.

/** @typedef {{ readonly id: string, readonly title: string, readonly cents: number }} Product */
/** @typedef {Record<string, number>} Cart how many of each product */

/** @type {readonly Product[]} */
export const PRODUCTS = [
  { id: "coffee", title: "Coffee", cents: 280 },
  { id: "cookie", title: "Cookie", cents: 190 },
  { id: "apple", title: "Apple", cents: 90 },
  { id: "juice", title: "Juice", cents: 340 },
];

export const MOST_OF_ONE = 99;
export const LONGEST_NAME = 40;

// The row belongs to the database's owner, who may edit it by hand: what is read there is not taken on trust.

/** @param {unknown} value */
export function toVisits(value) {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** @param {unknown} value */
export function toName(value) {
  return typeof value === "string" ? value : "";
}

/**
 * @param {unknown} value
 * @returns {Cart}
 */
export function toCart(value) {
  /** @type {Cart} */
  const cart = {};
  if (typeof value !== "object" || value === null) return cart;
  for (const { id } of PRODUCTS) {
    const count = Object.hasOwn(value, id) ? toVisits(/** @type {Record<string, unknown>} */ (value)[id]) : 0;
    if (count > 0) cart[id] = Math.min(count, MOST_OF_ONE);
  }
  return cart;
}
