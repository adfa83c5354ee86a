import type { Act, Plan } from "./plan.js";

/**
 * Something that the product is known not to stand: runs leave it out, unless they are told to look
 * (`--gaps`).
 */
interface Gap {
  readonly name: string;
  /** What of a plan leads to it. */
  readonly isPart: (act: Act, plan: Plan) => boolean;
}

export const GAPS: readonly Gap[] = [
  {
    name: "a token that was replaced on one node is presented to another whose reads are late: it is taken for an unknown one",
    isPart: (act, { topic }) =>
      topic !== "writes" && act.do === "database weather" && (act.change.lag ?? 0) > 0,
  },
];

export function withoutGaps(plan: Plan): Plan {
  return { ...plan, acts: plan.acts.filter((act) => !GAPS.some(({ isPart }) => isPart(act, plan))) };
}
