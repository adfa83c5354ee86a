// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source text.
import type { Topic } from "../plan/plan.js";
import type { TriedMutant } from "./list.js";

const reading = "src/session/read-row.ts";
const recent = "src/session/recent-rows.ts";
const live = "src/registry/live-sessions.ts";
const registry = "src/registry/registry.ts";
const secrets: { topics: readonly Topic[] } = { topics: ["rotation", "rooms"] };

/** Of rows that are read late, gone or over. */
export const READS: readonly TriedMutant[] = [
  {
    name: "an older row is taken over",
    file: reading,
    from: "if (known && known.revision !== row.revision && isLate(row, known.facts)) return false;",
    to: "",
  },
  {
    name: "a row that is missing is believed to be gone",
    file: reading,
    from: "if (known || recent || reader.isExpected) return false;",
    to: "",
  },
  {
    name: "a young row that is missing is believed to be gone",
    file: reading,
    from: "return recentRows.hasEnded(id) || !store.isYoung(id);",
    to: "return true;",
  },
  {
    name: "no second look at a row that was read late",
    file: reading,
    from: "return isBelieved(row, reader, host) ? row : rereadRow(row, reader, host, deadline);",
    to: "return isBelieved(row, reader, host) ? row : (await rereadRow(row, reader, host, deadline)) && row;",
  },
  {
    name: "an unknown secret is not looked for again",
    file: registry,
    ...secrets,
    from: 'isInDoubt = standing === "unknown" && row.data !== null;',
    to: "",
  },
  {
    name: "an unknown secret is looked for again once, and at once",
    file: registry,
    ...secrets,
    from: "return this.lateReads.limitUnknown(() => reread(this.clock, look, () => !isInDoubt));",
    to: "return look(void reread);",
  },
  {
    name: "each secret that is not the session's is taken for one that was replaced",
    file: registry,
    ...secrets,
    from: 'return this.#mayBeNewer(token) ? "unknown" : "replaced";',
    to: 'return this.#mayBeNewer(token) ? "replaced" : "replaced";',
  },
  {
    name: "rows of sessions that were let go are forgotten",
    file: live,
    from: "if (row && !ended) this.recentRows.remember(id, row);",
    to: "",
  },
  {
    name: "ends are forgotten (revival)",
    file: recent,
    from: "this.#keep(sessionId, { endedAt });",
    to: "void overAt;",
  },
  {
    name: "writes that others have told of are forgotten",
    file: live,
    from: "this.recentRows.rememberAnnounced(sessionId, revision);",
    to: "",
  },
  {
    name: "writes that others have told of are not read",
    file: live,
    from: "void withKeptRooms(session, keep, () => this.refresh(session));",
    to: "void keep;",
  },
  {
    name: "ends that others have told of are not heard",
    file: live,
    from: "if (session) session.end(reason);\n    else this.#rememberEnd(sessionId, reason);",
    to: "if (!session) this.#rememberEnd(sessionId, reason);",
  },
  {
    name: "the sweep takes a late revision for news",
    file: "src/session/session.ts",
    from: "if (isExpiryInDoubt(seen, this.#row.expires) || this.#host.recentRows.isBehind(this.id, seen.revision))\n      return true;",
    to: "",
  },
  {
    name: "the sweep compares nothing",
    file: "src/session/session.ts",
    from: "if (!seen || seen.revision !== this.#row.revision) return true;",
    to: "if (!seen) return true;",
  },
  {
    name: "an event finds what is known, however old",
    file: "src/registry/freshness.ts",
    from: "if (this.#maxAgeMs === undefined) return false;",
    to: "if (this.#maxAgeMs === undefined) return true;",
  },
  {
    name: "a handler begins with what is known, however old",
    file: "src/handle/with-draft.ts",
    from: "if (!session.ended) await session.read({ deadline });",
    to: "if (!session.row) await session.read({ deadline });",
  },
  {
    name: "expired rows are taken for live (write)",
    file: "src/stores/mysql/writes.ts",
    from: "= ? and expires > unix_timestamp()`;",
    to: "= ?`;",
  },
  {
    name: "expired rows are taken for live (read)",
    file: "src/stores/mysql/reads.ts",
    from: "case when ${LIVE} then coalesce(data, '{}') else null end as data",
    to: "coalesce(data, '{}') as data",
  },
  {
    name: "the end of a session that expires is not found",
    file: "src/session/session.ts",
    from: 'if (seen.expires <= seen.now) this.end("expired");',
    to: "",
  },
  {
    name: "a DELETE of what has expired deletes all",
    file: "src/stores/mysql/writes.ts",
    from: " and old.expires <= unix_timestamp() - ?`,\n    parameters: [...sessionIds, expiredFor],",
    to: "`,\n    parameters: expiredFor >= 0 ? sessionIds : [],",
  },
  {
    name: "pruning does not wait: what has just expired is deleted",
    file: "src/stores/mysql/reads.ts",
    from: "where expires < unix_timestamp() - ? and",
    to: "where expires < unix_timestamp() + 0 * ? and",
  },
  {
    name: "a session that is destroyed keeps its row",
    file: "src/session/delete-row.ts",
    from: "await settleDelete(host, session.id, deadline, { onlyExpired });",
    to: "void settleDelete;",
  },
  {
    name: "a destroy does not look by which token it comes",
    file: "src/session/delete-row.ts",
    from: "by.assertCanOpen(session.saved.compactIdentity, session.id);",
    to: "",
  },
];
