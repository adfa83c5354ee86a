import type { UserPage, UserSession } from "../../store.js";
import { newestFirst } from "../row-facts.js";
import type { Statement } from "./database-access.js";
import { type Reads, USER_PAGE } from "./reads.js";
import { toUserSession, type UserRow } from "./stored-row.js";

/** All living sessions of a user, newest first; with `page` those of one page, by key. */
export async function readUserSessions(
  read: (statement: Statement) => Promise<UserRow[]>,
  reads: Reads,
  userId: string,
  page: UserPage = { limit: Number.POSITIVE_INFINITY },
): Promise<UserSession[]> {
  const own: UserRow[] = [];
  let { after = "" } = page;
  for (;;) {
    const limit = Math.min(USER_PAGE, page.limit - own.length);
    const rows = await read((server) => reads.ofUser(userId, { after, limit }, server));
    // MySQL compares without regard to spaces at the end.
    own.push(...rows.filter((row) => row.userId === userId));
    if (rows.length < limit || own.length >= page.limit) break;
    after = rows.at(-1)?.sessionId ?? "";
  }
  const sessions = own.map(toUserSession);
  return page.limit === Number.POSITIVE_INFINITY ? sessions.sort(newestFirst) : sessions;
}
