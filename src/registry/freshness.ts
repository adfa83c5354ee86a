import { ClockJumps } from "../base/clock.js";
import { Outages } from "../base/outages.js";
import type { SessionError } from "../errors.js";
import { storeError } from "../gateway/retry.js";
import type { Settings } from "../options.js";
import type { Session } from "../session/session.js";
import type { SessionRegistry } from "./registry.js";

/**
 * Sees to it that what is known of a session is fresh enough for an event, where the application does not
 * leave that to announcements and the sweep. A verification reads the revision alone; the row is read where
 * that has moved.
 */
export class Freshness {
  readonly #registry: SessionRegistry;
  /** Absent where each event needs a verification that began after it came. */
  readonly #maxAgeMs: number | undefined;
  readonly #jumps: ClockJumps;
  readonly #outages: Outages;
  /** Verifications that were asked for and have not begun. */
  readonly #next = new WeakMap<Session, Promise<void>>();
  /** When the last verification began that found out how the row is. */
  readonly #verifiedAtMs = new WeakMap<Session, number>();

  constructor(registry: SessionRegistry, settings: Settings) {
    this.#registry = registry;
    const { freshness } = settings;
    this.#maxAgeMs = typeof freshness === "number" ? freshness * 1000 : undefined;
    this.#jumps = new ClockJumps(settings.clock);
    this.#outages = new Outages(settings, {
      failing: "events wait: their sessions cannot be looked at",
      recovered: "events go on: their sessions can be looked at again",
    });
  }

  /** Whether an event may be passed on without a verification. */
  isFresh(session: Session): boolean {
    if (this.#maxAgeMs === undefined) return false;
    const knownAtMs = Math.max(session.row?.readAtMs ?? 0, this.#verifiedAtMs.get(session) ?? 0);
    // Of unknown age, where the machine may have slept since.
    if (knownAtMs <= this.#jumps.lastAtMs) return false;
    return this.#registry.clock.now() - knownAtMs <= this.#maxAgeMs;
  }

  /**
   * Verifies the session. Who asks while a verification has been asked for and has not begun shares it, so
   * that what is known is never older than the asking. Resolves to whether that was possible now; errors:
   * `SESSION_CLOSED`, `SESSION_DATA_INVALID`, which waiting does not mend.
   */
  async verify(session: Session): Promise<boolean> {
    let next = this.#next.get(session);
    if (!next) {
      next = this.#verifyOnce(session);
      this.#next.set(session, next);
    }
    try {
      await next;
      this.#outages.reportRecovery();
      return true;
    } catch (error) {
      const failure = storeError(error);
      if (isFinal(failure)) throw failure;
      this.#outages.report(failure);
      return false;
    }
  }

  async #verifyOnce(session: Session): Promise<void> {
    let beganAtMs: number | undefined;
    try {
      const isAsKnown = await this.#registry.verifyInTurn(session, () => {
        beganAtMs = this.#registry.clock.now();
        this.#next.delete(session);
      });
      if (!isAsKnown) await session.read();
      if (beganAtMs !== undefined) this.#verifiedAtMs.set(session, beganAtMs);
    } finally {
      // Where it never began.
      if (beganAtMs === undefined) this.#next.delete(session);
    }
  }
}

function isFinal({ code }: SessionError): boolean {
  return code === "SESSION_CLOSED" || code === "SESSION_DATA_INVALID";
}
