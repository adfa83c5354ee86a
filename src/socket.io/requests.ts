import { toSessionError } from "../errors.js";
import { Backoff } from "../retry.js";
import type { SessionRegistry } from "../sessions.js";
import type { ClientDescription, GotToken } from "../wire.js";
import type { AttachmentContext } from "./attachment-context.js";
import type { SocketBearer } from "./bearer.js";
import {
  type ClientFacts,
  type Opener,
  type OpeningResult,
  openSession,
  type Request,
  type TokenRequest,
} from "./opening.js";

/** Pauses between tries while the store is away: once it is back, nobody waits longer than the longest. */
const OUTAGE_BACKOFF = { firstMs: 500, longestMs: 5_000 };
/** Acknowledgements of one and the same token that may wait together. */
const MAX_ACKNOWLEDGEMENTS = 100;

/** Whose requests they are. */
export interface RequestHost {
  readonly gone: boolean;
  readonly facts: ClientFacts;
  readonly bearer: SocketBearer | undefined;
  /** Whether one more session may be created for it; counts it if so. */
  mayMint(): boolean;
  /** Takes over what was opened, which the registry holds for it. */
  take(result: OpeningResult): void;
  send(message: GotToken): void;
  /** The store has not answered. */
  unanswered(): void;
  /** There are no more requests. */
  worked(): void;
}

/**
 * The requests of one socket: one is worked on until the store has answered, and one may wait. It is there while there is a
 * request, and no longer.
 */
export class Requests implements Opener {
  readonly #host: RequestHost;
  readonly #context: AttachmentContext;
  #waiting: TokenRequest | undefined;
  /** The request whose answer has gone out. */
  #told: Request | undefined;

  constructor(host: RequestHost, context: AttachmentContext) {
    this.#host = host;
    this.#context = context;
  }

  get registry(): SessionRegistry {
    return this.#context.registry;
  }

  get client(): ClientDescription | null {
    return this.#host.facts.client;
  }

  mayMint(): boolean {
    return this.#host.mayMint();
  }

  /** Takes in a token that was presented meanwhile; `false` where that is one too many. */
  add({ presented, acknowledge }: TokenRequest): boolean {
    const waiting = this.#waiting;
    if (!waiting) {
      this.#waiting = { kind: "token", presented, acknowledge };
      return true;
    }
    if (waiting.presented !== presented || waiting.acknowledge.length >= MAX_ACKNOWLEDGEMENTS) return false;
    waiting.acknowledge.push(...acknowledge);
    return true;
  }

  /** What waits, to be worked on now. */
  next(): TokenRequest | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  /** Nobody waits for what waits. */
  drop(): void {
    this.#waiting = undefined;
  }

  /**
   * Works on a request, then on what waits behind it. Never rejects. `onFirstTry` hears whether the store answered the first
   * time.
   */
  async work(first: Request, onFirstTry?: (answered: boolean) => void): Promise<void> {
    let request: Request | undefined = first;
    let backoff: Backoff | undefined;
    while (request && !this.#host.gone && !this.registry.closed) {
      const answered = await this.#try(request);
      onFirstTry?.(answered);
      onFirstTry = undefined;
      if (!answered) {
        this.#host.unanswered();
        backoff ??= new Backoff(this.registry.clock, OUTAGE_BACKOFF);
        await backoff.wait();
      }
      // A token presented meanwhile takes the place of the one before.
      const next: Request | undefined = this.#waiting ?? (answered ? undefined : request);
      this.#waiting = undefined;
      request = next;
    }
    // Closed: nobody is left waiting for an answer.
    if (request && !this.#host.gone) {
      this.#answer(request, { token: "", errors: "Session store unavailable" });
      this.#host.unanswered();
    }
    onFirstTry?.(false);
    this.#host.worked();
  }

  /** Resolves to whether the store answered. */
  async #try(request: Request): Promise<boolean> {
    const { outages } = this.#context;
    const { parseToken } = this.registry;
    try {
      const { bearer } = this.#host;
      if (bearer) request = await bearer.inPlaceOf(request, parseToken);
      this.#host.bearer?.presents(request, parseToken);
      const result = await openSession(this, request);
      outages.over();
      this.#host.take(result);
      if (result.message) this.#answer(request, result.message);
      this.#host.bearer?.presented();
      return true;
    } catch (error) {
      outages.report(toSessionError(error));
      this.#answer(request, { token: "", errors: "Session store unavailable" });
      return false;
    }
  }

  #answer(request: Request, message: GotToken): void {
    if (this.#host.gone || request.kind !== "token") return;
    // While the store is away it is said once; the next answer is the one that counts.
    if (message.errors === "Session store unavailable" && this.#told === request) return;
    this.#told = request;
    this.#host.send(message);
    for (const acknowledge of request.acknowledge.splice(0)) acknowledge(message);
  }
}
