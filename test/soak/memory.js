// @ts-check
// The heap of the node that is never ended, after its collector has run.

const FLAT = 1.1;
/** Fewer tell nothing. */
const LEAST_SAMPLES = 9;

export class Memory {
  /** @type {number[]} */
  samples = [];

  /** @param {import("./node.js").Node} node */
  async look(node) {
    const bytes = await node.call("heap");
    if (typeof bytes === "number") this.samples.push(bytes / 2 ** 20);
  }

  /** Medians of the second and the last third; `grew`: the last is more than a tenth above it. */
  get verdict() {
    const third = Math.floor(this.samples.length / 3);
    const [second, last] = [this.samples.slice(third, 2 * third), this.samples.slice(-third)].map(median);
    const tells = this.samples.length >= LEAST_SAMPLES && second !== undefined && last !== undefined;
    return { grew: tells && last > second * FLAT, second, last, tells };
  }
}

/** @param {number[]} list */
function median(list) {
  return [...list].sort((one, other) => one - other)[Math.floor(list.length / 2)];
}
