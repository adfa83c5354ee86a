import type { SessionRegistry } from "../registry/registry.js";
import { endExcess, markLogin } from "../registry/user-limit.js";
import type { Session } from "../session/session.js";
import { type Bearer, rotateToLogin } from "./rotation.js";

/** Logs a user in. Errors: those of {@link rotateToLogin}; with `maxPerUser` those of {@link endExcess}. */
export async function logIn(
  session: Session,
  bearer: Bearer,
  registry: SessionRegistry,
  userId: string,
): Promise<void> {
  const { maxPerUser } = registry;
  const mark = maxPerUser === undefined ? undefined : markLogin(registry);
  const previousUserId = await rotateToLogin(session, bearer, registry, userId, mark);
  registry.audit.recordLogin(session, userId, previousUserId);
  if (maxPerUser !== undefined) await endExcess(registry, session, { userId, most: maxPerUser });
}
