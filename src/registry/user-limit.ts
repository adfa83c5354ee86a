import { SessionError, toSessionError } from "../errors.js";
import type { Session } from "../session/session.js";
import { Values } from "../session/values.js";
import type { SessionRow } from "../store.js";
import { isSessionId } from "../token/token.js";
import { askStore } from "./ask-store.js";
import { destroyAll } from "./destroy-all.js";
import type { SessionRegistry } from "./registry.js";

/** A session, and when its login was, Unix milliseconds: what all processes that see its row agree on. */
interface LoggedIn {
  readonly sessionId: string;
  readonly atMs: number;
}

/** Keeps the time of a login with the values, for {@link endExcess} of other processes. */
export function markLogin({ store }: SessionRegistry): (values: Values) => void {
  return (values) => {
    values.loggedInAtMs = Math.floor(store.nowMs);
  };
}

/**
 * Ends the sessions of a user whose logins are the oldest, down to `most`. The login of `session` is in its
 * row by now. So whoever of several that log in at once looks last sees all the others' rows; and as all go
 * by the same order, none ends a session that another one counts on.
 *
 * Errors: `SESSION_WRITE_UNCERTAIN` where the others may not have ended: the user is logged in all the same.
 * `SESSION_ENDED` where as many have logged in after it.
 */
export async function endExcess(
  registry: SessionRegistry,
  session: Session,
  { userId, most }: { userId: string; most: number },
): Promise<void> {
  try {
    const logins = await loginsOf(registry, session, { userId, most });
    const excess = logins.sort(latestFirst).slice(most);
    await destroyAll(
      registry,
      excess.map(({ sessionId }) => sessionId),
      "replaced",
    );
  } catch (error) {
    const cause = toSessionError(error);
    const detail = `logged in, but older sessions of the user may not have ended (${cause.code})`;
    throw new SessionError("SESSION_WRITE_UNCERTAIN", detail, { cause, sessionId: session.id });
  }
  if (session.ended) throw session.error("SESSION_ENDED", "the user has logged in elsewhere meanwhile");
}

/** The user's sessions with the times of their logins; none where they are no more than `most`. */
async function loginsOf(
  registry: SessionRegistry,
  session: Session,
  { userId, most }: { userId: string; most: number },
): Promise<LoggedIn[]> {
  const found = await askStore(registry, () => registry.store.forUser(userId));
  // The key of a row that the old package wrote is no id, but a token.
  const ids = new Set([session.id, ...found.map(({ sessionId }) => sessionId).filter(isSessionId)]);
  // Logged in since the list was read, or on a node of the database that it has not come through to.
  for (const { id } of registry.watched.ofUser(userId)) ids.add(id);
  if (ids.size <= most) return [];
  ids.delete(session.id);
  const rows = await askStore(registry, () => Promise.all([...ids].map((id) => registry.store.load(id))));
  const others = rows.filter((row) => row !== undefined && row.data !== null && row.userId === userId);
  // Its own row may not be there to be read yet; what was written is known. It may have logged out since.
  const isOwn = !session.ended && session.saved.compactIdentity.userId === userId;
  const own: LoggedIn[] = isOwn ? [ownLogin(session)] : [];
  return [...own, ...others.map((row) => loginIn(row as SessionRow))];
}

function ownLogin({ id: sessionId, saved, row }: Session): LoggedIn {
  return { sessionId, atMs: saved.loggedInAtMs ?? (row?.createdAt ?? 0) * 1000 };
}

/** A login of before the option counts as old as its session. */
function loginIn({ sessionId, data, createdAt }: SessionRow): LoggedIn {
  try {
    const atMs = Values.parse(data ?? "{}", sessionId).loggedInAtMs;
    return { sessionId, atMs: atMs ?? createdAt * 1000 };
  } catch {
    // Somebody has edited it.
    return { sessionId, atMs: createdAt * 1000 };
  }
}

function latestFirst(one: LoggedIn, other: LoggedIn): number {
  return other.atMs - one.atMs || (one.sessionId < other.sessionId ? 1 : -1);
}
