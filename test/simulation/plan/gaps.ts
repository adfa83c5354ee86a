import type { Act, Plan } from "./plan.js";

/** Something that the product is known not to stand: runs leave it out, unless they are told to look (`--gaps`). */
interface Gap {
  readonly name: string;
  /** What of a plan leads to it. */
  readonly isPart: (act: Act, plan: Plan) => boolean;
}

/**
 * A page presents a token whose session is over, and another before that is answered, or the same again. The session that is created in place of the
 * first one is then stored over the one that the page has by the time: a session of a few seconds is lost.
 */
export const CROSSED_ANSWERS_MS = 5_000;

export const GAPS: readonly Gap[] = [
  {
    name: "a token that was replaced on one node is presented to another whose reads are late: it is taken for an unknown one",
    isPart: (act, { topic }) =>
      topic === "rotation" && act.do === "database weather" && (act.change.lag ?? 0) > 0,
  },
  {
    name: "a token that was sent long ago arrives on a slow network after a newer one, which another node has sent, and is stored over it",
    isPart: (act, { topic, settings }) =>
      topic === "rotation" && act.do === "network weather" && settings.wrongByMs.length > 1,
  },
];

export function withoutGaps(plan: Plan): Plan {
  return { ...plan, acts: plan.acts.filter((act) => !GAPS.some(({ isPart }) => isPart(act, plan))) };
}
