import { type Clock, ClockJumps } from "../base/clock.js";
import { Outages } from "../base/outages.js";
import { isPassing, storeError } from "../gateway/retry.js";
import type { Settings } from "../options.js";
import type { Session } from "../session/session.js";
import type { Seconds } from "../store.js";
import { isInUse } from "./live-sessions.js";
import type { SessionRegistry } from "./registry.js";
import { hasShortIdle, LONGEST_EXPIRY_CHECK, touchInterval, touchLead } from "./touch-pace.js";

/** Node fires a timer of more than 2^31 - 1 milliseconds at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Sessions verified by one statement. */
const AT_ONCE = 256;
/** An expiry is looked for at most this often, so that many that fall apart by little are found together. */
const SHORTEST_EXPIRY_CHECK_MS = 1_000;
/**
 * … and at least this often: a session opened meanwhile may have less time left than those that were waited
 * for.
 */
const LONGEST_EXPIRY_CHECK_MS = LONGEST_EXPIRY_CHECK * 1000;

/**
 * Keeps live sessions true to their rows, by a handful of timers however many sessions there are: verifies
 * them every `revalidate` seconds; ends what has expired when it expires; keeps connected sockets' sessions
 * alive. Times have jitter, so that nodes started together do not ask together.
 */
export class Sweep {
  readonly #registry: SessionRegistry;
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #outages: Outages;
  readonly #cancels = new Map<string, () => void>();
  readonly #jumps: ClockJumps;
  /** The jump of this machine's clocks after which all live sessions have been verified. */
  #verifiedAfterMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(registry: SessionRegistry, settings: Settings) {
    this.#registry = registry;
    this.#settings = settings;
    this.#clock = settings.clock;
    this.#jumps = new ClockJumps(settings.clock);
    this.#outages = new Outages(settings, {
      failing: "live sessions cannot be compared with the store",
      recovered: "live sessions can be compared with the store again",
    });
  }

  start(): void {
    const { revalidate, idle } = this.#settings;
    if (idle === "connection") {
      this.#repeat("touch", touchInterval(this.#settings), () =>
        this.#registry.touchDue(this.#registry.inUse(), { beginVisit: false }),
      );
    }
    this.#repeat("revalidate", revalidate, () => this.#verify([...this.#registry.live()]));
    this.#repeatExpiry();
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }

  #repeat(name: string, every: Seconds, run: () => Promise<unknown>): void {
    this.#after(name, every * 1000 * (0.8 + Math.random() * 0.4), () => {
      void run().finally(() => this.#repeat(name, every, run));
    });
  }

  /** A session that is not touched any more is over at a known second; the next one is waited for. */
  #repeatExpiry(): void {
    const delayMs = Math.max(SHORTEST_EXPIRY_CHECK_MS, this.#untilNextExpiry() * 1000);
    this.#after("expire", Math.min(delayMs, LONGEST_EXPIRY_CHECK_MS), () => {
      this.#registry.recentRows.age();
      const live = Array.from(this.#registry.live());
      void this.#endExpired(live).finally(() => this.#repeatExpiry());
    });
  }

  async #endExpired(live: readonly Session[]): Promise<void> {
    const jumpedAtMs = this.#jumps.lastAtMs;
    if (jumpedAtMs > this.#verifiedAfterMs) return this.#verifyAfterJump(live, jumpedAtMs);
    const due = live.filter((session) => untilExpiry(session) <= 0);
    // Between two touches of the rest they would end, connected as they are.
    const brief = live.filter(
      (session) => this.#hasShortIdle(session) && untilExpiry(session) > 0 && isInUse(session),
    );
    void this.#registry.touchDue(brief, { beginVisit: false });
    void this.#registry.retryTouches();
    await this.#verify(due);
  }

  /**
   * The machine may have slept, and then how long sessions have left is not known here: what the rows say is,
   * and touches may be due.
   */
  async #verifyAfterJump(live: readonly Session[], jumpedAtMs: number): Promise<void> {
    if (!(await this.#verify(live))) return;
    this.#verifiedAfterMs = jumpedAtMs;
    if (this.#settings.idle === "connection")
      void this.#registry.touchDue(live.filter(isInUse), { beginVisit: false });
  }

  /**
   * Whether a session is kept alive by being connected, and has an idle time of its own that is shorter than
   * the others'.
   */
  #hasShortIdle({ row }: Session): boolean {
    return this.#settings.idle === "connection" && row !== undefined && hasShortIdle(row, this.#settings);
  }

  #untilNextExpiry(): Seconds {
    let least = Number.POSITIVE_INFINITY;
    for (const session of this.#registry.live()) {
      least = Math.min(least, untilExpiry(session));
      if (session.row && this.#hasShortIdle(session))
        least = Math.min(least, touchLead(session.row, this.#settings));
    }
    return least;
  }

  /**
   * Never rejects. While the store is away nothing is known to have moved, and nothing ends. Resolves to
   * whether it answered.
   */
  #verify(sessions: readonly Session[]): Promise<boolean> {
    return this.#registry.track(() => this.#verifyAll(sessions));
  }

  async #verifyAll(sessions: readonly Session[]): Promise<boolean> {
    for (let at = 0; at < sessions.length && !this.#stopped; at += AT_ONCE) {
      const some = sessions.slice(at, at + AT_ONCE).filter((session) => session.row && !session.ended);
      if (some.length === 0) continue;
      try {
        const seen = await this.#registry.store.loadRevisions(some.map(({ id }) => id));
        if (this.#stopped) return false;
        some.forEach((session, n) => {
          if (session.compareRevision(seen[n])) void this.#registry.refresh(session);
        });
        this.#outages.reportRecovery();
      } catch (error) {
        this.#outages.report(storeError(error));
        // Where the store is away the others would fare no better; what else is wrong with some need not be
        // with others.
        if (isPassing(error)) return false;
      }
    }
    return true;
  }

  #after(name: string, delayMs: number, run: () => void): void {
    if (this.#stopped) return;
    this.#cancels.set(name, this.#clock.after(Math.min(delayMs, LONGEST_TIMER_MS), run));
  }
}

/** Seconds by the database's clock; 0 or less when it is over. */
function untilExpiry(session: Session): Seconds {
  return session.row && !session.ended ? session.row.expires - session.databaseNow : Number.POSITIVE_INFINITY;
}
