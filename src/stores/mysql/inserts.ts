// The statements that bring rows into the table. Those that change and delete rows are in writes.ts.
import type { LegacyRow, NewSession, Seconds } from "../../store.js";
import type { SqlText } from "./lent-connection.js";
import { LIVE } from "./reads.js";
import { repeated, toBuffer } from "./writes.js";

const NOW = "unix_timestamp()";
const NEW_COLUMNS =
  "(`sessionId`, expires, data, secretHash, client, idleSeconds, revision, writers, createdAt, visitedAt, previousVisitAt)";
const newRow = (createdAt: string) => `(?, ${NOW} + ?, ?, ?, ?, ?, ?, ?, ${createdAt}, ${NOW}, 0)`;
const NEW_ROW = newRow(NOW);
/** The same, and the answer to the INSERT tells the time, in place of the number of a new row. */
const NEW_ROW_WITH_TIME = newRow(`last_insert_id(${NOW})`);

/**
 * `lifeOf`: how long each lives unless it is used. `tellsTime`: the answer's `insertId` is the time of the
 * statement.
 */
export function insertRows(
  table: string,
  sessions: readonly NewSession[],
  { lifeOf, tellsTime }: { lifeOf: (session: NewSession) => Seconds; tellsTime: boolean },
): SqlText {
  const parameters: unknown[] = [];
  for (const session of sessions)
    parameters.push(
      session.sessionId,
      lifeOf(session),
      session.data,
      toBuffer(session.secretHash),
      session.client && JSON.stringify(session.client),
      session.idleSeconds ?? null,
      session.revision,
      toBuffer(session.writers),
    );
  return {
    sql: `insert into ${table} ${NEW_COLUMNS} values ${repeated(tellsTime ? NEW_ROW_WITH_TIME : NEW_ROW, sessions.length)}`,
    parameters,
  };
}

/** A row of ours has a hash, so its id, presented as a token, finds nothing here. */
export function adoptRow(table: string, { text, sessionId, secretHash }: LegacyRow): SqlText {
  return {
    sql:
      `update ${table} set \`sessionId\` = ?, secretHash = ?, createdAt = ${NOW}, visitedAt = ${NOW}` +
      ` where sessionId = ? and secretHash is null and ${LIVE}`,
    parameters: [sessionId, toBuffer(secretHash), text],
  };
}
