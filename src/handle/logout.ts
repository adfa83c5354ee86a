import { leaveRooms } from "../session/identity-change.js";
import { toRoomNames, withKeptRooms } from "../session/kept-rooms.js";
import type { Session } from "../session/session.js";
import { type Bearer, clearAndRotate } from "./rotation.js";

/** What `logout` takes. */
export interface LogoutOptions {
  /** Socket.IO rooms that the session's sockets stay in, on each server; at most 100. Default: none. */
  readonly keepRooms?: readonly string[];
}

/**
 * Ends a login: values and rooms go with it, and then the client gets a new token. Errors: those of {@link
 * clearAndRotate}, `SESSION_OPTION_INVALID`.
 */
export async function logOut(
  session: Session,
  bearer: Bearer,
  host: Parameters<typeof clearAndRotate>[2],
  options: LogoutOptions | undefined,
): Promise<void> {
  await withKeptRooms(session, toRoomNames(options?.keepRooms), async () => {
    await clearAndRotate(session, bearer, host, (values) => {
      values.clear();
      values.loggedInAtMs = undefined;
      values.identity = { ...values.identity, userId: null };
    });
    leaveRooms(session);
  });
}
