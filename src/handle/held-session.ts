import type { Session } from "../session/session.js";

/** What a session that was acquired is given back to. */
interface Releaser {
  release(session: Session): void;
}

/**
 * Starts a change that is on its way once `run` returns: from then on the session keeps itself. Never throws.
 */
export function startHeld(
  releaser: Releaser,
  acquire: () => Session,
  run: (session: Session) => Promise<void>,
): Promise<void> {
  try {
    const session = acquire();
    try {
      return run(session);
    } finally {
      releaser.release(session);
    }
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Runs a change with the session held until it is over: the socket may go, and then nobody else holds it. */
export async function runHeld<Result>(
  releaser: Releaser,
  acquire: () => Session,
  run: (session: Session) => Promise<Result>,
): Promise<Result> {
  const session = acquire();
  try {
    return await run(session);
  } finally {
    releaser.release(session);
  }
}
