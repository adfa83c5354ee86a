import { retry } from "../gateway/retry.js";
import { checkId, toUserId } from "../session/ids.js";
import type { UnixSeconds } from "../store.js";
import type { ClientDescription } from "../wire.js";
import { destroyAll } from "./destroy-all.js";
import type { SessionRegistry } from "./registry.js";

/** A session of a user: on a device, because a token belongs to one. */
export interface Device {
  /** Public id of the session. */
  readonly sessionId: string;
  /** What the client said of itself when the session began; anybody can claim anything there. */
  readonly client: ClientDescription | null;
  /** When it began. */
  readonly createdAt: UnixSeconds;
  /** Last known use; right to `touchEvery` seconds. */
  readonly visitedAt: UnixSeconds;
  /** When it ends unless it is used. */
  readonly expiresAt: UnixSeconds;
  /**
   * Whether a socket has it open now, on this server or, with a cluster adapter, on another that answered.
   */
  readonly live: boolean;
}

/** Which of these sessions other processes have open. */
export type FindOpenElsewhere = (sessionIds: readonly string[]) => Promise<ReadonlySet<string>>;

/** The user's unexpired sessions, newest first. */
export async function listDevices(
  registry: SessionRegistry,
  userId: string | number,
  findOpenElsewhere: FindOpenElsewhere,
): Promise<Device[]> {
  const sessions = await readSessions(registry, userId);
  const ids = sessions.map(({ sessionId }) => sessionId);
  const live = new Set([
    ...registry.filterOpen(ids),
    ...(ids.length > 0 ? await findOpenElsewhere(ids) : []),
  ]);
  return sessions.map(({ sessionId, client, createdAt, visitedAt, expires }) => ({
    sessionId,
    client,
    createdAt,
    visitedAt,
    expiresAt: expires,
    live: live.has(sessionId),
  }));
}

/** Ends the user's sessions but one; resolves to how many. Errors: as of {@link destroyAll}. */
export async function destroyDevices(
  registry: SessionRegistry,
  userId: string | number,
  { except }: { except?: string | undefined } = {},
): Promise<number> {
  if (except !== undefined) checkId(except);
  const ids = new Set((await readSessions(registry, userId)).map(({ sessionId }) => sessionId));
  // Logged in since the list was read, or on a node of the database that it has not come through to.
  for (const { id } of registry.watched.ofUser(toUserId(userId))) ids.add(id);
  if (except !== undefined) ids.delete(except);
  await destroyAll(registry, [...ids], "revoked");
  return ids.size;
}

function readSessions(registry: SessionRegistry, userId: string | number) {
  const id = toUserId(userId);
  registry.throwIfClosed();
  const deadline = registry.clock.now() + registry.storeTimeoutMs;
  return registry.track(() => retry(registry, deadline, () => registry.store.forUser(id)));
}
