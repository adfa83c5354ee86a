import type { ChangeOptions } from "../session/change.js";
import type { Edit } from "../session/edits.js";
import type { Session } from "../session/session.js";

/** What a session that was acquired is given back to. */
interface Releaser {
  release(session: Session): void;
}

/** Sends a change, with the session held until it is on its way: from then on the session keeps itself. */
export function sendHeld(
  releaser: Releaser,
  session: Session,
  edit: Edit,
  options: ChangeOptions,
): Promise<void> {
  try {
    return session.change(edit, options);
  } finally {
    releaser.release(session);
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
