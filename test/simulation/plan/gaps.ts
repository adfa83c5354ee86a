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

// One more cannot be told from a plan, and is passed over where it shows (checks/identities.ts): a page
// presents a token that opens nothing any more, and then, before the answer, the same again or another. The
// session that is created in place of the first is stored over the token that the page has by then.
export const GAPS: readonly Gap[] = [
  {
    name: "a token that was sent long ago arrives on a slow network after a newer one, which another node has sent, and is stored over it",
    isPart: (act, { topic, settings }) =>
      topic !== "writes" && act.do === "network weather" && settings.wrongByMs.length > 1,
  },
];

export function withoutGaps(plan: Plan): Plan {
  return { ...plan, acts: plan.acts.filter((act) => !GAPS.some(({ isPart }) => isPart(act, plan))) };
}
