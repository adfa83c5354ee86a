import type { Came, MintFact, OpenFact } from "../facts.js";

/** What became of a token, as far as it is told: `Opened` of the registry. */
interface Opened {
  readonly found: "session" | "nothing" | "expired";
  readonly isRetired?: boolean;
}

/** What is told of an open: made once for each kind, as opens are many. */
function toOpenFact(kind: OpenFact["kind"]) {
  return (came: Came<Opened>, durationMs: number): OpenFact => ({
    kind,
    outcome: outcomeOf(came),
    durationMs,
  });
}

export const toTokenOpen = toOpenFact("token");
export const toRecoveryOpen = toOpenFact("recovery");

function outcomeOf(came: Came<Opened>): OpenFact["outcome"] {
  if ("error" in came) return "failed";
  const { result } = came;
  if (result.found === "session") return "opened";
  if (result.found === "expired") return "expired";
  return result.isRetired ? "retired" : "unknown";
}

/** What is told of a mint. */
export function toMintFact(came: Came<object>, durationMs: number): MintFact {
  if ("error" in came) return { outcome: "failed", durationMs };
  // Of a cookie's session that may be there already it is said whether it was.
  const isTaken = "isInserted" in came.result && came.result.isInserted === false;
  return { outcome: isTaken ? "taken" : "minted", durationMs };
}
