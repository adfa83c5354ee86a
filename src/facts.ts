import { type Channel, channel } from "node:diagnostics_channel";
import { SessionError } from "./errors.js";
import { StoreFault } from "./store.js";
import type { EndReason } from "./wire.js";

type Milliseconds = number;

/** A token, or the session of a recovered socket, was looked for. */
export interface OpenFact {
  /**
   * `"recovery"`: without a token: for a recovered socket, or a cookie whose session has just begun ·
   * `"verification"`: a socket presented the token of the session that it has, and that was as known.
   */
  readonly kind: "token" | "recovery" | "verification";
  /** `"failed"`: the store did not tell. The others are the reasons of the event `sessionInvalid`. */
  readonly outcome: "opened" | "malformed" | "unknown" | "retired" | "expired" | "failed";
  /** How long that took. */
  readonly durationMs: Milliseconds;
}

/** A new session was asked for. */
export interface MintFact {
  /** `"taken"`: there was one for this cookie already. */
  readonly outcome: "minted" | "taken" | "failed";
  /** How long that took. */
  readonly durationMs: Milliseconds;
}

/** A handler asked for a new secret. */
export interface RotationFact {
  /** The method of the handle. */
  readonly kind: "login" | "logout" | "regenerate";
  /** `"not-confirmed"`: the client did not confirm, or had no turn. */
  readonly outcome: "done" | "not-confirmed" | "failed";
  /** How long that took, waiting for the client included. */
  readonly durationMs: Milliseconds;
}

/** A session that was open here is over, or this process has ended it. */
export interface EndFact {
  /** As the clients are told. */
  readonly reason: EndReason;
}

/** The connection of a client was closed, or its socket disconnected, by this library. */
export interface CutFact {
  /**
   * `"detached"`: it has not presented the new token of its session in time · `"required"`: it has asked for
   * no session in time · `"overflow"`: it has sent too much while its events waited.
   */
  readonly reason: "detached" | "required" | "overflow";
}

/** It is known what became of an attempt to write a session. */
export interface WriteFact {
  /** `"conflict"`: somebody else had written; it is run again on the new values. */
  readonly outcome: "applied" | "conflict" | "ended" | "failed" | "uncertain";
  /** Since the write had its turn. */
  readonly durationMs: Milliseconds;
}

/** An operation that the store did not answer is about to be repeated. */
export interface RetryFact {
  /** Whether it was an attempt to write; anything else repeats as a whole. */
  readonly kind: "write" | "other";
}

/** What statements do. */
export type StatementKind =
  | "load"
  | "verify"
  | "insert"
  | "write"
  | "touch"
  | "delete"
  | "adopt"
  | "list"
  | "count";

/** A call of the store has come to an end; on MySQL it is one statement. */
export interface StatementFact {
  /** What it does. */
  readonly kind: StatementKind;
  /** Entries in it. */
  readonly width: number;
  /** `"refused"`, `"not-applied"` and `"unknown"` are those of `StoreFault`. */
  readonly outcome: "answered" | "refused" | "not-applied" | "unknown";
  /** How long that took. */
  readonly durationMs: Milliseconds;
  /** How long the oldest of its entries had waited when it began. */
  readonly waitedMs: Milliseconds;
}

/** A statement has a connection of the pool, or has given up waiting for one. */
export interface PoolWaitFact {
  /** `"given-up"`: none came in time. */
  readonly outcome: "lent" | "failed" | "given-up";
  /** How long that took. */
  readonly durationMs: Milliseconds;
}

/** A step of pruning is over. */
export interface PruneFact {
  /** Rows. */
  readonly deleted: number;
  /** Whether there may be more. */
  readonly more: boolean;
  /** How long that took. */
  readonly durationMs: Milliseconds;
}

/** Something was told to other servers, or heard from them. */
export interface AnnouncementFact {
  /** `"late"`: heard, but known by then. `"failed"`: not sent; it is sent again. */
  readonly outcome: "sent" | "failed" | "heard" | "late";
  /** Sessions that it is about. */
  readonly count: number;
}

/** What happens inside, by the last part of its channel's name. */
export interface FactsByName {
  /** Presenting a token. */
  readonly open: OpenFact;
  /** New sessions. */
  readonly mint: MintFact;
  /** New secrets. */
  readonly rotation: RotationFact;
  /** Ends. */
  readonly end: EndFact;
  /** Connections closed. */
  readonly cut: CutFact;
  /** Writes. */
  readonly write: WriteFact;
  /** What is sent again. */
  readonly retry: RetryFact;
  /** Statements. */
  readonly statement: StatementFact;
  /** Waiting for connections. */
  readonly poolWait: PoolWaitFact;
  /** Deleting expired rows. */
  readonly prune: PruneFact;
  /** Between servers. */
  readonly announcement: AnnouncementFact;
}

/** One of them. */
export type FactName = keyof FactsByName;

/** What a subscriber gets: the fact, and which `tokenSession()` it is of. */
export type FactMessage<Name extends FactName> = FactsByName[Name] & {
  /** What that `tokenSession()` returned. */
  readonly sessions: object;
};

/** The name of the channel of `node:diagnostics_channel` that a fact is published on. */
export function channelOf(name: FactName): string {
  return `socket.io-token-session:${name}`;
}

/** What an operation came to. */
export type Came<Result> = { readonly result: Result } | { readonly error: unknown };

/** One channel, for one `tokenSession()`. */
export class Fact<Content extends object> {
  readonly #channel: Channel;
  readonly #facts: Facts;

  constructor(name: FactName, facts: Facts) {
    this.#channel = channel(channelOf(name));
    this.#facts = facts;
  }

  /** Whether anybody subscribes: what takes time to tell, even to read a clock, need not be done. */
  get isHeard(): boolean {
    return this.#channel.hasSubscribers;
  }

  /** What `run` comes to, told with how long it took; without a subscriber it is just run. */
  measure<Result>(
    run: () => Promise<Result>,
    toContent: (came: Came<Result>, durationMs: Milliseconds) => Content,
  ): Promise<Result> {
    return this.isHeard ? this.#measure(run, toContent) : run();
  }

  async #measure<Result>(
    run: () => Promise<Result>,
    toContent: (came: Came<Result>, durationMs: Milliseconds) => Content,
  ): Promise<Result> {
    const beganMs = performance.now();
    try {
      const result = await run();
      this.tell(toContent({ result }, performance.now() - beganMs));
      return result;
    } catch (error) {
      this.tell(toContent({ error }, performance.now() - beganMs));
      throw error;
    }
  }

  tell(content: Content): void {
    if (this.isHeard) this.#channel.publish({ sessions: this.#facts.sessions, ...content });
  }
}

/**
 * What happens inside, for whoever subscribes: one property for each channel. There is one of these for each
 * `tokenSession()`. Nobody inside learns anything from it.
 */
export class Facts {
  /** Whose facts they are: what `tokenSession()` returned. */
  sessions: object = this;
  readonly open = new Fact<OpenFact>("open", this);
  readonly mint = new Fact<MintFact>("mint", this);
  readonly rotation = new Fact<RotationFact>("rotation", this);
  readonly end = new Fact<EndFact>("end", this);
  readonly cut = new Fact<CutFact>("cut", this);
  readonly write = new Fact<WriteFact>("write", this);
  readonly retry = new Fact<RetryFact>("retry", this);
  readonly statement = new Fact<StatementFact>("statement", this);
  readonly poolWait = new Fact<PoolWaitFact>("poolWait", this);
  readonly prune = new Fact<PruneFact>("prune", this);
  readonly announcement = new Fact<AnnouncementFact>("announcement", this);
}

/** How a statement ended. What is no {@link StoreFault} may have had an effect, or not. */
export function outcomeOf(error: unknown): StatementFact["outcome"] {
  if (error === undefined) return "answered";
  if (error instanceof StoreFault) return error.kind;
  return error instanceof SessionError ? "refused" : "unknown";
}
