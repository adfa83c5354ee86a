// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source text.
import type { TriedMutant } from "./list.js";

const settle = "src/gateway/settle.ts";
const verdict = "src/gateway/verdict.ts";
const writes = "src/stores/mysql/writes.ts";
const changes = "src/session/changes.ts";

/** Of the way of a change to its row. */
export const WRITES: readonly TriedMutant[] = [
  {
    name: "a write does not look at the revision (alone)",
    file: writes,
    from: "const BASE = `sessionId = ? and least(revision, ${BEYOND}) = ? and",
    to: "const BASE = `sessionId = ? and (least(revision, ${BEYOND}) = ?) < 2 and",
  },
  {
    name: "a write does not look at the revision (many)",
    file: writes,
    from: "on old.sessionId = convert(given.id using ascii) and least(old.revision, ${BEYOND}) = given.base` +\n        ` where old.expires",
    to: "on old.sessionId = convert(given.id using ascii) and least(old.revision, ${BEYOND}) >= 0` +\n        ` where old.expires",
  },
  {
    name: "an unclear answer counts as not applied",
    file: "src/gateway/retry.ts",
    from: 'if (error instanceof StoreFault) return error.kind === "unknown";',
    to: "if (error instanceof StoreFault) return false;",
  },
  {
    name: "an unclear answer counts as applied",
    file: settle,
    from: "if (mayHaveEffect(error)) uncertain = true;",
    to: 'if (mayHaveEffect(error)) return { verdict: "applied" };',
  },
  {
    name: "our entry in writers is not looked for",
    file: verdict,
    from: 'if (own && own.revision === attempt.revision) return "applied";',
    to: 'if (own && row.revision === attempt.revision) return "applied";',
  },
  {
    name: "a row at the base counts as refused",
    file: verdict,
    from: 'if (row.revision === attempt.baseRevision) return "not-yet";',
    to: 'if (row.revision === attempt.baseRevision) return "refused";',
  },
  {
    name: "a late read is believed",
    file: verdict,
    from: 'if (age === "older" || age === "unknown") return "late";',
    to: 'if (age === "unknown") return "late";',
  },
  {
    name: "another row than the base is refused at once",
    file: verdict,
    from: 'return isWhole ? "refused" : "uncertain";',
    to: 'return "refused";',
  },
  {
    name: "a batch that says fewer counts as all",
    file: "src/stores/mysql/mysql-store.ts",
    from: "return affected === attempts.length;",
    to: "return affected >= attempts.length - 1;",
  },
  {
    name: "what was taken is lost when another has written",
    file: changes,
    from: "this.#waiting = [...this.#inFlight, ...this.#waiting];",
    to: "this.#waiting = [...this.#waiting];",
  },
  {
    name: "what was taken goes behind what waits",
    file: changes,
    from: "this.#waiting = [...this.#inFlight, ...this.#waiting];",
    to: "this.#waiting = [...this.#waiting, ...this.#inFlight];",
  },
  {
    name: "changes are shown that were refused",
    file: changes,
    from: "for (const { reject } of this.#inFlight) reject(error);\n    this.#inFlight = NONE;\n    this.#refresh();",
    to: "for (const { reject } of this.#inFlight) reject(error);\n    this.#inFlight = NONE;",
  },
  {
    name: "surely not is said by one look",
    file: settle,
    from: "if (uncertain || !isByReading) return failure(refusal);",
    to: "if (!isByReading) return failure(refusal);",
  },
  {
    name: "uncertain is forgotten",
    file: settle,
    from: "uncertain || untold\n      ?",
    to: "untold\n      ?",
  },
  {
    name: "a writer's entry takes the place of all others",
    file: "src/row/writers.ts",
    from: "others.slice(0, MAX_WRITERS - 1)]",
    to: "others.slice(0, 0)]",
  },
  {
    name: "a write in a transaction is believed",
    file: "src/stores/mysql/state.ts",
    from: "if ((flags & IN_TRANSACTION) !== 0) return",
    to: "if ((flags & IN_TRANSACTION) < 0) return",
  },
];
