import { isDeepStrictEqual } from "node:util";
import type { Change, Report } from "./processes/node-process.js";
import { take } from "./processes/steps.js";

/** The values of a session. */
export type State = Record<string, unknown>;

/** A change that was made, and what became of it. */
export interface Made extends Report {
  readonly who: string;
  readonly change: Change;
}

/**
 * The changes in an order that explains everything: each one that had ended before another began comes before
 * it, each saw what those before it had left, and together they lead to `final`. `undefined` where there is
 * no such order: then an acknowledged change was lost, doubled, or made of values that were not there.
 */
export function serialOrder(made: readonly Made[], final: State): Made[] | undefined {
  const failed = new Set<string>();
  const left = [...made].sort((one, other) => one.ended - other.ended);
  const order: Made[] = [];

  const search = (state: State): boolean => {
    if (left.length === 0) return isDeepStrictEqual(state, final);
    const where = JSON.stringify([left.map((each) => made.indexOf(each)), Object.entries(state).sort()]);
    if (failed.has(where)) return false;
    const firstEnd = Math.min(...left.map(({ ended }) => ended));
    for (const [at, each] of left.entries()) {
      if (each.began > firstEnd) continue;
      const after = apply(each, state);
      if (!after) continue;
      left.splice(at, 1);
      order.push(each);
      if (search(after)) return true;
      order.pop();
      left.splice(at, 0, each);
    }
    failed.add(where);
    return false;
  };
  return search({}) ? order : undefined;
}

/** The state after a change; `undefined` where it cannot have been made at this point. */
function apply({ change, result }: Made, state: State): State | undefined {
  const after = { ...state };
  switch (change.kind) {
    case "set":
      return Object.assign(after, change.values);
    case "delete":
      delete after[change.key];
      return after;
    case "clear":
      return {};
    case "update":
      if (!isDeepStrictEqual(result, state)) return undefined;
      take(after, change.steps);
      return after;
    case "withSession": {
      // Saved by key: what the handler changed must have been as the handler saw it, all else may have moved.
      const before = result as State;
      const draft = { ...before };
      take(draft, change.steps);
      for (const key of new Set(change.steps.map((step) => step.key))) {
        if (isDeepStrictEqual(draft[key], before[key])) continue;
        if (!isDeepStrictEqual(state[key], before[key])) return undefined;
        if (key in draft) after[key] = draft[key];
        else delete after[key];
      }
      return after;
    }
    default:
      throw new Error(`${change.kind} is no change of values`);
  }
}

/** Whether a refused `withSession` had another change of its keys beside it. */
export function hasRival(refused: Made, made: readonly Made[]): boolean {
  const keys = keysOf(refused.change);
  return made.some(
    (other) =>
      other !== refused &&
      other.outcome === "done" &&
      other.began < refused.ended &&
      other.ended > refused.began &&
      (other.change.kind === "clear" || keysOf(other.change).some((key) => keys.includes(key))),
  );
}

function keysOf(change: Change): string[] {
  if (change.kind === "set") return Object.keys(change.values);
  if (change.kind === "delete") return [change.key];
  return "steps" in change ? change.steps.map(({ key }) => key) : [];
}

/** For the message of a test that fails. */
export function describeHistory(made: readonly Made[], final: State): string {
  const lines = [...made]
    .sort((one, other) => one.began - other.began)
    .map(({ who, outcome, began, ended, change, result }) => {
      const times = [began, ended].map((time) => Math.round(time / 1000)).join("-");
      return `${who} ${times} ${outcome} ${JSON.stringify(change)} saw ${JSON.stringify(result)}`;
    });
  return [...lines, `final ${JSON.stringify(final)}`].join("\n");
}
