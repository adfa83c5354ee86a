// @ts-check
// What the soak counts. Those of MUST_BE_ZERO fail it; each is printed when it is found, with the faults that
// are in force.

export const MUST_BE_ZERO = /** @type {const} */ ({
  lost: "acknowledged, and not in the row",
  doubled: "applied twice",
  revived: "there, or opened, after its end was acknowledged",
  loggedOut: "told of an end, given another session, or not known any more, without anybody asking",
  falseSurely: "refused, and in the row",
  failed: "told SESSION_STORE_FAILED, though every fault passes",
  oldToken: "a token opened after a newer one had been confirmed",
  wentBack: "acknowledged by a process, and not shown by it later",
  stuck: "not at work again 25 s after the faults ended",
  crash: "a node ended by itself",
  unhandled: "an unhandled rejection or exception in a node",
  heap: "the heap of a node grew",
});

/** @typedef {keyof typeof MUST_BE_ZERO} Kind */

/** Lines of a kind that are printed; the rest is counted only. */
const SHOWN = 20;

export class Findings {
  /** @type {Map<Kind, number>} */
  counts = new Map();
  /** How often each kind was found, by the faults of the time. @type {Map<string, number>} */
  byFault = new Map();
  /** Faults in force now, or that ended just now. */
  faults = "no fault yet";
  #say;

  /** @param {(line: string) => void} say */
  constructor(say) {
    this.#say = say;
  }

  /** @param {Kind} kind @param {string} what */
  add(kind, what) {
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    const where = `${kind} · ${this.faults}`;
    this.byFault.set(where, (this.byFault.get(where) ?? 0) + 1);
    if (count <= SHOWN) this.#say(`!! ${kind}: ${what} [${this.faults}]`);
  }

  get total() {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Such as "2 lost, 1 stuck". */
  get summary() {
    return [...this.counts].map(([kind, count]) => `${count} ${kind}`).join(", ") || "nothing found";
  }
}
