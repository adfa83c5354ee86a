import { settleDelete } from "../gateway/settle.js";
import type { SessionRow } from "../store.js";
import type { Credential } from "../token/credential.js";
import type { EndReason } from "../wire.js";
import { type Reader, readRow } from "./read-row.js";
import type { SessionHost } from "./session-host.js";
import type { Values } from "./values.js";

/** What is ended by deleting its row. */
interface Deletable extends Reader {
  readonly saved: Values;
  begin(row: SessionRow): void;
  end(reason: EndReason): void;
}

/**
 * Deletes a session's row, in its turn, and ends the session; `by` which right, where that is to be checked.
 * Errors: those of {@link readRow} and {@link settleDelete}, `SESSION_TOKEN_CHANGED`.
 */
export async function deleteRow<Session extends Deletable>(
  session: Session,
  host: SessionHost<Session>,
  { reason, deadline, by }: { reason: EndReason; deadline: number; by?: Credential | undefined },
): Promise<void> {
  if (session.ended && session.ended !== "expired") return;
  // Whoever came by a token that has been replaced since must not end the session of the one who has it now.
  if (by && !session.ended) {
    const row = await readRow(session, host, deadline);
    if (session.ended) return;
    if (row) session.begin(row);
    // A row that is missing, of which nothing is known here, may be too new to be read: the DELETE finds it.
    if (session.row) by.assertCanOpen(session.saved.compactIdentity, session.id);
  }
  // Somebody else may have made room already, and begun anew; where this is read late, the DELETE finds it
  // out.
  const onlyExpired = reason === "expired";
  if (onlyExpired && (await readRow(session, host, deadline))?.data !== null) return;
  await settleDelete(host, session.id, deadline, { onlyExpired });
  session.end(reason);
  host.onDestroy(session, reason, by);
}
