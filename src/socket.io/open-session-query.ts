import { randomUUID } from "node:crypto";
import type { Namespace } from "socket.io";
import { withTimeLimit } from "../base/time-limit.js";
import type { SessionRegistry } from "../registry/registry.js";
import { isSessionId } from "../token/token.js";
import type { AnnouncementSender } from "./announcement-sender.js";
import { isOverridden } from "./cluster-adapter.js";
import { capturePromises } from "./dropped-promises.js";

/** Between servers only; no client can send or receive these. */
const QUESTION = "tokenSession:question";
const ANSWER = "tokenSession:answer";
/** The question as servers of version 0.1 ask it, with an acknowledgement. */
const WHO_IS_LIVE = "tokenSession:live";
/** Servers that take longer to say which sessions they have open are taken to have none. */
const LIVE_TIMEOUT_MS = 2_000;

interface PendingQuery {
  readonly live: Set<string>;
  /** Answers that are still to come. */
  left: number;
  done: () => void;
}

/**
 * Asks the other servers which sessions they have open, and answers them. Question and answer are plain
 * messages: an adapter sends a question that wants an acknowledgement only after it has counted the servers,
 * when nobody sees what becomes of its promise.
 */
export class OpenSessionQuery {
  readonly #namespace: Namespace;
  readonly #registry: SessionRegistry;
  readonly #sender: AnnouncementSender;
  readonly #pending = new Map<string, PendingQuery>();

  constructor(namespace: Namespace, registry: SessionRegistry, sender: AnnouncementSender) {
    this.#namespace = namespace;
    this.#registry = registry;
    this.#sender = sender;
    const on = (event: string, listener: (...args: unknown[]) => void) =>
      namespace.on(event as never, listener as never);
    on(QUESTION, (question, ids) => {
      if (typeof question === "string" && Array.isArray(ids))
        this.#send(ANSWER, question, this.#filterOpen(ids));
    });
    on(ANSWER, (question, ids) => this.#receive(question, ids));
    on(WHO_IS_LIVE, (ids, reply) => {
      if (!Array.isArray(ids) || typeof reply !== "function") return;
      capturePromises(() => reply(this.#filterOpen(ids)));
    });
  }

  /** Which of these sessions are open on other servers, as far as those answer in time. Never rejects. */
  async ask(sessionIds: readonly string[]): Promise<Set<string>> {
    const live = new Set<string>();
    // Nobody would hear it, and it would wait for its turn after the time is over.
    if (this.#sender.isFailing) return live;
    // An adapter may wait for ever where Redis is away.
    const limit = { clock: this.#registry.clock, limitMs: LIVE_TIMEOUT_MS, whenLate: () => {} };
    const question = randomUUID();
    const query: PendingQuery = { live, left: 0, done: () => {} };
    this.#pending.set(question, query);
    try {
      await withTimeLimit(limit, async () => {
        query.left = await this.#countOthers();
        // By now the time may be over.
        if (!query.left || !this.#pending.has(question)) return;
        await new Promise<void>((done) => {
          query.done = done;
          this.#send(QUESTION, question, sessionIds);
        });
      });
    } finally {
      this.#pending.delete(question);
    }
    return live;
  }

  /** How many servers should answer; 0 also where that cannot be found out. */
  async #countOthers(): Promise<number> {
    // All that answer in time, where an adapter cannot count.
    if (!isOverridden(this.#namespace.adapter, "serverCount")) return Number.POSITIVE_INFINITY;
    try {
      return Math.max(0, (await this.#sender.countServers()) - 1);
    } catch {
      return 0;
    }
  }

  #receive(question: unknown, ids: unknown): void {
    const asked = this.#pending.get(question as string);
    if (!asked || !Array.isArray(ids)) return;
    for (const id of ids) if (isSessionId(id)) asked.live.add(id);
    if (--asked.left === 0) asked.done();
  }

  #filterOpen(ids: readonly unknown[]): string[] {
    return this.#registry.filterOpen(ids.filter(isSessionId));
  }

  #send(event: string, question: string, ids: readonly string[]): void {
    try {
      capturePromises(() => this.#namespace.serverSideEmit(event as never, question as never, ids as never));
    } catch {
      // Who asks does not wait for ever.
    }
  }
}
