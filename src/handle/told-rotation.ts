import { SessionError } from "../errors.js";
import type { Came, Facts, RotationFact } from "../facts.js";
import type { Session } from "../session/session.js";
import type { Bearer } from "./rotation.js";

export type RotationKind = RotationFact["kind"];
export type RunRotation = (session: Session, bearer: Bearer) => Promise<void>;

/**
 * Runs a rotation that a handler asks for, and tells of it. Errors: `SESSION_NOT_CONFIRMED`, those of `run`.
 */
export function tellRotation(
  facts: Facts,
  { kind, session, bearer }: { kind: RotationKind; session: Session; bearer: Bearer | undefined },
  run: RunRotation,
): Promise<void> {
  if (!bearer) throw session.error("SESSION_NOT_CONFIRMED", "this handle has no client to give a token to");
  return facts.rotation.measure(
    () => run(session, bearer),
    (came, durationMs) => ({ kind, outcome: outcomeOf(came), durationMs }),
  );
}

function outcomeOf(came: Came<void>): RotationFact["outcome"] {
  if ("result" in came) return "done";
  const { error } = came;
  return error instanceof SessionError && error.code === "SESSION_NOT_CONFIRMED" ? "not-confirmed" : "failed";
}
