// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of source text.
import type { TriedMutant } from "./list.js";

const access = "src/stores/mysql/database-access.ts";
const state = "src/stores/mysql/connection-state.ts";
const numbers = "src/stores/mysql/errors-by-number.ts";
const topics = ["writes"] as const;

/**
 * Of servers that are replaced or late, of connections that others have had, and of errors by number. Not
 * among them: that other connections are doubted after an error, which only saves statements their way by
 * connections that would fail too; and either of the two ways in which a missing backslash escape shows, as
 * the other one is left.
 */
export const FAILOVER: readonly TriedMutant[] = [
  {
    name: "an answer by a connection in a transaction is believed",
    topics,
    file: state,
    from: 'if ((flags & IN_TRANSACTION) !== 0) return { kind: "transaction", reason: IN_A_TRANSACTION };\n  if ((flags & NO_BACKSLASH',
    to: "if ((flags & NO_BACKSLASH",
  },
  {
    name: "a connection that the application has had is not looked at",
    topics,
    file: access,
    from: "known.uses === lent.uses &&",
    to: "",
  },
  {
    name: "a connection in another database is taken for ours",
    topics,
    file: state,
    from: "if(database() <=> ? and current_user()",
    to: "if((database() <=> ? or 1 = 1) and current_user()",
  },
  {
    name: "rows of a server that is read-only are believed",
    topics,
    file: state,
    from: "return `${LARGEST} + (${stateOf(names)}) > 0`;",
    to: "return `1 + (${stateOf(names)}) > 0`;",
  },
  {
    name: "a connection that will not do goes back to the pool",
    topics,
    file: access,
    from: "if (isOver) call.drop();",
    to: "if (isOver) call.giveBack();",
  },
  {
    name: "reads on a cluster are left as late as they are",
    topics,
    file: "src/stores/mysql/cluster-settings.ts",
    from: "await connection.ask(`set session ${setting}`, []);",
    to: "",
  },
  {
    name: "errors that do not tell count as not applied",
    topics,
    file: numbers,
    from: '...lines(UNCLEAR, { kind: "unknown",',
    to: '...lines(UNCLEAR, { kind: "not-applied",',
  },
  {
    name: "errors of an unknown number count as not applied",
    topics,
    file: "src/stores/mysql/faults.ts",
    from: 'return { kind: "unknown", drop: true, one: false };',
    to: 'return { kind: "not-applied", drop: true, one: false };',
  },
  {
    name: "what was rolled back counts as refused",
    topics,
    file: numbers,
    from: '...lines(AGAIN, { kind: "not-applied",',
    to: '...lines(AGAIN, { kind: "refused",',
  },
  {
    name: "what another server would take counts as refused",
    topics,
    file: numbers,
    from: '...lines(ELSEWHERE, { kind: "not-applied",',
    to: '...lines(ELSEWHERE, { kind: "refused",',
  },
  {
    name: "a server without its cluster is not left",
    topics,
    file: numbers,
    from: '...lines(ELSEWHERE, { kind: "not-applied", drop: true,',
    to: '...lines(ELSEWHERE, { kind: "not-applied", drop: false,',
  },
  {
    name: "a row that was restored is never taken",
    topics,
    file: "src/session/read-row.ts",
    from: "recentRows.forget(id);\n  if (row",
    to: "if (row && reader.row) return readRow(reader, host, deadline);\n  if (row",
  },
];
