// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source text.
import type { TriedMutant } from "./list.js";

const writes = "src/stores/mysql/writes.ts";
const store = "src/stores/mysql/mysql-store.ts";
const access = "src/stores/mysql/database-access.ts";
const topics = ["writes"] as const;

/** Of the statements, and of what is believed of their answers. */
export const STORE: readonly TriedMutant[] = [
  {
    name: "a write does not look at the revision (alone)",
    topics,
    file: writes,
    from: "const BASE = `sessionId = ? and least(revision, ${BEYOND}) = ? and",
    to: "const BASE = `sessionId = ? and least(revision, ${BEYOND}) >= 0 * ? and",
  },
  {
    name: "a write does not look at the revision (many)",
    topics,
    file: writes,
    from: "on old.sessionId = convert(given.id using ascii) and least(old.revision, ${BEYOND}) = given.base` +\n        ` where old.expires",
    to: "on old.sessionId = convert(given.id using ascii) and least(old.revision, ${BEYOND}) >= 0` +\n        ` where old.expires",
  },
  {
    name: "a batch that says fewer counts as all",
    topics,
    file: store,
    from: "return affected === attempts.length;",
    to: "return affected >= attempts.length - 1;",
  },
  {
    name: "of a batch that says fewer, all count as refused",
    topics,
    file: store,
    from: ": isAll || undefined));",
    to: ": isAll));",
  },
  {
    name: "a row that is locked counts as refused",
    topics,
    file: store,
    from: "return mayWait ? false : undefined;",
    to: "return false;",
  },
  {
    name: "a fault behind a part of a batch is that of all",
    file: store,
    from: "throw matched.size > 0 ? afterEffect(error) : error;",
    to: "throw error;",
  },
  {
    name: "an INSERT that meets its own row counts as somebody else's",
    file: "src/registry/mint.ts",
    from: "if (!row || !isSameHash(row.secretHash, token.secretHash)) continue;",
    to: "if (!row || !hasWritten(row.writers, inserter.processId, 0)) continue;",
  },
  {
    name: "a statement that may have run is sent again by the store",
    topics,
    file: access,
    from: 'if (!goesOn || (fault instanceof StoreFault && fault.kind !== "not-applied")) throw fault;',
    to: "if (!goesOn) throw fault;",
  },
  {
    name: "no answer in time counts as not applied",
    topics,
    file: "src/stores/mysql/call.ts",
    from: 'new StoreFault(this.stage === "sent" ? "unknown" : "not-applied", "no answer in time")',
    to: 'new StoreFault("not-applied", "no answer in time")',
  },
  {
    name: "a connection that was lost counts as not applied",
    topics,
    file: "src/stores/mysql/faults.ts",
    from: 'if (stage === "connecting" || neverSent(error)) return',
    to: "if (stage.length > 0) return",
  },
  {
    name: "a statement whose caller has gone is sent",
    topics,
    file: "src/stores/mysql/call.ts",
    from: 'if (this.#isOver) throw new StoreFault("not-applied", "gave up waiting for a connection");',
    to: "",
  },
];
