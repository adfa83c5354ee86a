import type { Act } from "../plan/plan.js";

/** What goes wrong on the way between nodes and what they know; what a page does alone is none of it. */
const OF_PAGES: readonly Act["do"][] = [
  "open",
  "close",
  "freeze",
  "cache",
  "change network",
  "keep",
  "put back",
  "change",
  "ask",
  "steal",
  "storage fails",
  "clear storage",
  "send",
  "revoke",
  "cut lines",
  "network weather",
];
/** What a fault leaves behind is over by then: pauses between attempts, statements that were given up. */
const AFTER_MS = 12_000;

/** When nothing goes wrong between the nodes, the database and what is between them. */
export class Calm {
  readonly #faults: readonly { readonly fromMs: number; readonly untilMs: number }[];

  constructor(acts: readonly Act[], endMs: number) {
    this.#faults = acts
      .filter((act) => !OF_PAGES.includes(act.do))
      .map((act) => ({
        fromMs: act.atMs,
        // All faults are over at the end, but for one: a node that stands still is told of nothing.
        untilMs: Math.min(endMs, act.atMs + ("forMs" in act ? act.forMs : 0)) + AFTER_MS,
      }));
  }

  /** Whether it has been so all the time between. */
  isBetween(fromMs: number, untilMs: number): boolean {
    return !this.#faults.some((fault) => fault.fromMs <= untilMs && fault.untilMs >= fromMs);
  }
}
