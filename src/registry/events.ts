import { EventEmitter } from "node:events";
import { type Log, thrownFields } from "../base/log.js";
import type { SessionError, SessionErrorCode } from "../errors.js";
import { runOutsideHandlers } from "../session/handler-scope.js";
import type { Seconds, UnixSeconds } from "../store.js";
import type { ClientDescription, EndReason } from "../wire.js";
import type { AuditEvents } from "./audit-events.js";

/** A session has been created by this process. */
export interface SessionStartEvent {
  /** Its public id. */
  readonly sessionId: string;
  /** What the client says of itself; anybody can claim anything there. */
  readonly client: ClientDescription | null;
}

/** Values of a session that is live in this process have changed in its row, by whomever. */
export interface SessionChangeEvent {
  /** Its public id. */
  readonly sessionId: string;
  /** The keys whose values are other than before, or gone. */
  readonly keys: readonly string[];
}

/** A session is over. */
export interface SessionEndEvent {
  /** Its public id. */
  readonly sessionId: string;
  /** Why it is over; its clients are told the same. */
  readonly reason: EndReason;
}

/** A token was presented that opens nothing; its client was given a new session. */
export interface SessionInvalidEvent {
  /** The id that the token claims; absent where it is no token at all. */
  readonly sessionId?: string;
  /**
   * `"malformed"`: no token of ours · `"unknown"`: no such session, or another secret. Anybody can produce
   * these two. · `"expired"`: it was right once. · `"retired"`: it was right until a newer token took its
   * place; somebody has kept it, the client itself or a thief.
   */
  readonly reason: "malformed" | "unknown" | "expired" | "retired";
}

/** The store has not answered for `storeTimeout`. */
export interface StoreDownEvent {
  /** When it failed first, by this machine's clock. */
  readonly since: UnixSeconds;
  /** How the last statement failed. */
  readonly code: SessionErrorCode;
}

/** The store answers again. */
export interface StoreUpEvent extends StoreDownEvent {
  /** How long it did not answer. */
  readonly downFor: Seconds;
}

/**
 * Events of {@link TokenSessions}, each with one object. A listener that throws, or whose promise rejects, is
 * logged as an error; it keeps no other listener from being called, and does not end the process.
 */
export interface TokenSessionEvents extends AuditEvents {
  /** A client's first visit, or a new session in place of one that is over. */
  sessionStart: (event: SessionStartEvent) => void;
  /**
   * On every process that has the session open: after its own accepted write, and when it sees somebody
   * else's.
   */
  sessionChange: (event: SessionChangeEvent) => void;
  /**
   * On every process that had the session open, and on the one that destroyed it. Rows that nobody has open
   * end unheard.
   */
  sessionEnd: (event: SessionEndEvent) => void;
  /** A client presented a token that opens nothing: often an old one, perhaps a stolen one. */
  sessionInvalid: (event: SessionInvalidEvent) => void;
  /** A change could not be saved, or a row could not be read; also logged. Listening is optional. */
  error: (error: SessionError) => void;
  /** Once for each outage: by then changes, opens and requests have been refused. */
  storeDown: (event: StoreDownEvent) => void;
  /** Once after each `storeDown`. */
  storeUp: (event: StoreUpEvent) => void;
}

type EventName = keyof TokenSessionEvents;

/** Tells listeners what happened, without letting what they throw into the library's own course. */
export class Events {
  readonly #emitter = new EventEmitter();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Whether anybody listens: what is costly to tell need not be made. */
  hasListeners(event: EventName): boolean {
    return this.#emitter.listenerCount(event) > 0;
  }

  emit<Event extends EventName>(event: Event, content: Parameters<TokenSessionEvents[Event]>[0]): void {
    if (!this.hasListeners(event)) return;
    process.nextTick(() => {
      runOutsideHandlers(() => {
        // Those of `once` take themselves away.
        for (const listener of this.#emitter.rawListeners(event))
          void this.#call(event, listener as () => unknown, content);
      });
    });
  }

  /** Never rejects. */
  async #call(event: EventName, listener: (...args: never[]) => unknown, content: unknown): Promise<void> {
    try {
      await Reflect.apply(listener, this.#emitter, [content]);
    } catch (error) {
      this.#log.error(thrownFields(error), `a listener of the event ${event} failed`);
    }
  }

  subscribe(method: "on" | "once" | "off", event: EventName, listener: (content: never) => void): void {
    this.#emitter[method](event, listener as (content: unknown) => void);
  }
}
