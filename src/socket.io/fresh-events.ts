import { toSessionError } from "../errors.js";
import { Backoff } from "../gateway/retry.js";
import type { Freshness } from "../registry/freshness.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import { type HeldEvent, HeldEvents } from "./held-events.js";
import { OUTAGE_BACKOFF } from "./requests.js";
import type { SocketCounts } from "./socket-counts.js";

/** Whose events they are. */
export interface EventHost {
  readonly isGone: boolean;
  /** Its session is over, and it is about to be disconnected. */
  readonly isEnding: boolean;
  /** The store has not answered yet what the client has presented. */
  readonly isOpening: boolean;
  /** Events wait, whatever is known of the session. */
  readonly isHoldingEvents: boolean;
  readonly session: Session | undefined;
  /** Events are passed on, which counts as use where events do. */
  recordUse(session: Session): void;
  /** More waits than may: closes the connection. */
  closeOverflowing(): void;
  /** It cannot be known what its session holds; the client has to come back. */
  closeTransport(): void;
}

interface FreshEventsContext {
  readonly registry: SessionRegistry;
  readonly counts: SocketCounts;
}

/**
 * The events of one socket where each is to find a session that is fresh enough: they wait for a
 * verification, in order. What comes meanwhile waits for the next one, together.
 */
export class FreshEvents extends HeldEvents {
  readonly #host: EventHost;
  readonly #registry: SessionRegistry;
  readonly #freshness: Freshness;
  #isVerifying = false;
  /** How many of those that wait came before the token which the client presents now. */
  #earlier = 0;
  /** What that token waits with until they have gone. */
  #then: (() => void) | undefined;

  constructor(host: EventHost, { registry, counts }: FreshEventsContext, freshness: Freshness) {
    super(counts);
    this.#host = host;
    this.#registry = registry;
    this.#freshness = freshness;
  }

  /** An event has come. */
  receive(event: readonly unknown[], next: () => void): void {
    const { session, isHoldingEvents, isOpening } = this.#host;
    if (this.length === 0 && !isHoldingEvents && (!session || this.#freshness.isFresh(session))) {
      if (session) this.#host.recordUse(session);
      return next();
    }
    // What comes behind a token is for the session that it opens.
    const sessionId = isOpening ? undefined : session?.id;
    if (this.hold(event, () => this.#passOn(next, sessionId))) this.resume();
    else this.#host.closeOverflowing();
  }

  /** The client presents a token: from now on only those go on that came before it. */
  override markToken(): void {
    this.#earlier = this.length;
  }

  /** Runs `then` when what came before the token has gone on; `false` where nothing has to. */
  override runAfterEarlierEvents(then: () => void): boolean {
    if (this.#earlier === 0 || !this.#host.session) return false;
    this.#then = then;
    return true;
  }

  /** Passes on what may be passed on, and verifies the session for what may not be yet. */
  override resume(): void {
    const { isGone, isEnding, isOpening, isHoldingEvents, session } = this.#host;
    if (this.#isVerifying || isGone || isEnding) return;
    const count = this.#passable;
    if (count > 0) {
      if (!session) {
        // A socket that has lost its session may present the token that it needs for it.
        if (!isHoldingEvents) this.release(count);
      } else if (session.ended) this.#removeFirst(count);
      else if (this.#freshness.isFresh(session)) this.#release(count, session);
      else return void this.#verify(session);
    }
    if (!isOpening) return;
    const then = this.#then;
    this.#then = undefined;
    then?.();
  }

  get #passable(): number {
    return this.#host.isOpening ? this.#earlier : this.length;
  }

  async #verify(session: Session): Promise<void> {
    this.#isVerifying = true;
    const count = await this.#untilVerified(session);
    this.#isVerifying = false;
    if (this.#has(session) && !this.#host.isEnding) this.#release(count, session);
    this.resume();
  }

  /** Resolves to how many the verification was for. */
  async #untilVerified(session: Session): Promise<number> {
    let backoff: Backoff | undefined;
    while (this.#has(session)) {
      const count = this.#passable;
      try {
        if (await this.#freshness.verify(session)) return count;
      } catch (error) {
        // Closed, or values that cannot be read: when it opens anew, the client gets what is due to it.
        const { code } = toSessionError(error);
        this.#registry.log.warn(
          { code, sessionId: session.id },
          "events cannot be passed on; their connection was closed",
        );
        this.#host.closeTransport();
        return 0;
      }
      backoff ??= new Backoff(this.#registry.clock, OUTAGE_BACKOFF);
      await backoff.wait();
    }
    return 0;
  }

  #has(session: Session): boolean {
    return !this.#host.isGone && this.#host.session === session && !session.ended;
  }

  #release(count: number, session: Session): void {
    if (count === 0) return;
    this.#host.recordUse(session);
    for (const { next } of this.#removeFirst(count)) next();
  }

  #removeFirst(count: number): readonly HeldEvent[] {
    this.#earlier = Math.max(0, this.#earlier - count);
    return this.drop(count);
  }

  /** Not to another session than the one for which it came. */
  #passOn(next: () => void, sessionId: string | undefined): void {
    if (sessionId === undefined || sessionId === this.#host.session?.id) return next();
    this.#registry.log.warn({ sessionId }, "an event was not passed on: its session is over for this socket");
  }
}
