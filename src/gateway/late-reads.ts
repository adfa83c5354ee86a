import { type Clock, pause } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { LogOnce } from "../base/log-once.js";
import { SessionError } from "../errors.js";
import type { SessionRow, UnixSeconds } from "../store.js";

/** Pauses before the further reads of a row that was read late: two seconds together. */
const REREAD_AFTER_MS = [250, 500, 1_250];
/** For so long a node of the database may not know yet that a session was used on another one. */
const EXPIRY_IN_DOUBT: UnixSeconds = 2;
/**
 * Ids and secrets of which nobody here knows, and no node may know yet, that are looked for again at once:
 * more come from somebody who makes them up.
 */
const MOST_UNKNOWN = 1_000;

/**
 * Looks again at a row that cannot be as it is now: older than one that is known, missing, or just expired;
 * or one that does not know a secret that was presented. A node of a cluster of databases may lag behind for
 * a moment. After two seconds the answer is taken as it is; `isBelieved` then still says no.
 */
export async function reread<Answer>(
  clock: Clock,
  look: () => Promise<Answer>,
  isBelieved: (answer: Answer) => boolean,
): Promise<Answer> {
  let answer: Answer;
  let looks = 0;
  do {
    await pause(clock, REREAD_AFTER_MS[looks++] as number);
    answer = await look();
  } while (!isBelieved(answer) && looks < REREAD_AFTER_MS.length);
  return answer;
}

/**
 * Whether it is too early to believe that a session has expired: a touch on another node may not have come
 * through, or is known here (`knownExpires`) and not there.
 */
export function isExpiryInDoubt(
  { expires, now }: Pick<SessionRow, "expires" | "now">,
  knownExpires: UnixSeconds = 0,
): boolean {
  return expires <= now && (now < expires + EXPIRY_IN_DOUBT || knownExpires > now);
}

/**
 * How many unknown ids and secrets are looked for; and logs, once a minute at most, that the database insists
 * on older rows.
 */
export class LateReads {
  readonly #log: Log;
  readonly #once: LogOnce;
  #unknown = 0;

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#log = log;
    this.#once = new LogOnce({ clock });
  }

  /**
   * Looks for an id, or a secret, that nobody here knows. Errors: `SESSION_QUEUE_FULL`, as whether there is
   * one cannot be said before.
   */
  async limitUnknown<Row>(read: () => Promise<Row>): Promise<Row> {
    if (this.#unknown >= MOST_UNKNOWN)
      throw new SessionError("SESSION_QUEUE_FULL", "too many unknown sessions are looked for");
    this.#unknown++;
    try {
      return await read();
    } finally {
      this.#unknown--;
    }
  }

  /** A row was older than one that is known, for two seconds. */
  logLateRow(sessionId: string): void {
    if (!this.#once.isDue()) return;
    this.#log.warn(
      { sessionId },
      "the database answers with rows older than those it has had, and still does after two seconds: it was restored, edited by hand, or" +
        " reads come from a node that lags behind; such rows are now taken as they are",
    );
  }
}
