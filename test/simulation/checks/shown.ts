import type { Node } from "../actors/node.js";
import type { Database } from "../database/database.js";
import type { Findings } from "./findings.js";
import { valuesOf } from "./sessions.js";

/**
 * When all has come to rest: what sockets show is what is in the rows, on each node, also where no adapter
 * tells. `mayBeOldForMs`: a node need not know yet of what was written since.
 */
export function checkShown(
  nodes: readonly Node[],
  database: Database,
  findings: Findings,
  mayBeOldForMs = 0,
): void {
  const knownSinceMs = database.timeline.nowMs - mayBeOldForMs;
  for (const { name, isUp, sockets } of nodes.filter((node) => node.isUp)) {
    for (const { session } of isUp ? sockets : []) {
      const { id, userId } = session;
      if (id === undefined || database.changedAtMs(id) > knownSinceMs) continue;
      const row = database.row(id);
      if (!row) findings.add("stale", `${name} shows ${id}, which is no more`);
      else if (text(session.toJSON()) !== text(valuesOf(row)) || (userId || null) !== row["userId"])
        findings.add(
          "stale",
          `${name} shows ${id} of ${userId} with ${text(session.toJSON())}; the row is of ${row["userId"]}, with ${text(valuesOf(row))}`,
        );
    }
  }
}

function text(values: Record<string, unknown>): string {
  return JSON.stringify(Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1)));
}
