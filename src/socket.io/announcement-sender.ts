import type { Namespace } from "socket.io";
import { withTimeLimit } from "../base/time-limit.js";
import { Backoff } from "../gateway/retry.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { EndReason } from "../wire.js";
import { capturePromises } from "./dropped-promises.js";
import { type Announcement, PendingAnnouncements, type WriteNotice } from "./pending-announcements.js";

/** Between servers only; no client can send or receive it. */
export const ANNOUNCEMENT = "tokenSession";
/** Messages whose sending has not come to an end; what comes up beside these is gathered. */
const MOST_IN_FLIGHT = 8;
/** A message whose sending has not come to an end by then is taken for stuck. */
const STALLED_AFTER_MS = 5_000;
/** How long an adapter may take to count the servers, where that is to tell whether it is stuck. */
const COUNT_TIMEOUT_MS = 2_000;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Announces by one namespace what happened to sessions here. Where sending takes long, what comes up
 * meanwhile is gathered, each session once: while the adapter's server is away, its client keeps a few
 * messages of ours, however long that lasts.
 */
export class AnnouncementSender {
  readonly #namespace: Namespace;
  readonly #registry: SessionRegistry;
  readonly #pending = new PendingAnnouncements();
  #isScheduled = false;
  #inFlight = 0;
  /** Counts messages whose sending has come to an end, good or bad. */
  #settled = 0;
  #isWatchingForStall = false;
  /** Whether the adapter's promises come to an end; where they do not, they are not waited for. */
  #doPromisesSettle = true;
  #isFailing = false;
  #isPausing = false;
  #isClosed = false;
  #backoff: Backoff | undefined;
  #count: Promise<number> | undefined;

  constructor(namespace: Namespace, registry: SessionRegistry) {
    this.#namespace = namespace;
    this.#registry = registry;
  }

  /** Whether messages cannot be sent now, as far as is known. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  announceWrite(sessionId: string, ...written: WriteNotice): void {
    this.#pending.addWrite(sessionId, ...written);
    this.#schedule();
  }

  announceEnd(sessionId: string, reason: EndReason): void {
    this.#pending.addEnd(sessionId, reason);
    this.#schedule();
  }

  /** Sends what waits, unless that is known to fail, and nothing more. */
  close(): void {
    while (!this.#isFailing && this.#pending.hasAny) this.#sendSome();
    this.#isClosed = true;
  }

  /** What one turn of the event loop brings together goes out together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#pending.hasAny && this.#canSend) this.#sendSome();
  }

  get #canSend(): boolean {
    if (this.#isClosed || this.#isPausing) return false;
    return !this.#doPromisesSettle || this.#inFlight < (this.#isFailing ? 1 : MOST_IN_FLIGHT);
  }

  #sendSome(): void {
    const message = this.#pending.take();
    try {
      const sending = capturePromises(() =>
        this.#namespace.serverSideEmit(ANNOUNCEMENT as never, message as never),
      );
      if (sending.length === 0) return this.#reportSent(message);
      this.#inFlight++;
      this.#watchForStall();
      Promise.all(sending).then(
        () => {
          this.#settle();
          this.#reportSent(message);
          this.#flush();
        },
        (error: unknown) => {
          this.#settle();
          this.#retryLater(message, error);
        },
      );
    } catch (error) {
      this.#retryLater(message, error);
    }
  }

  #settle(): void {
    this.#inFlight--;
    this.#settled++;
    this.#doPromisesSettle = true;
  }

  #reportSent(message: Announcement): void {
    this.#tell("sent", message);
    this.#backoff = undefined;
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#registry.log.info({}, "announcements to other servers are heard again");
  }

  #tell(outcome: "sent" | "failed", { written, ended }: Announcement): void {
    this.#registry.facts.announcement.tell({ outcome, count: written.length + ended.length });
  }

  /** Keeps what was not sent, unless there is newer, and tries again after a pause. */
  #retryLater(message: Announcement, error: unknown): void {
    // The application has ended its connections by now: that is no outage.
    if (this.#isClosed) return;
    this.#tell("failed", message);
    this.#pending.putBack(message);
    // Its message is the server's, or the adapter's, own: only the kind of the error is safe to log.
    this.#reportFailing(error instanceof Error ? error.constructor.name : typeof error);
    void this.#pause();
  }

  async #pause(): Promise<void> {
    if (this.#isPausing) return;
    this.#isPausing = true;
    this.#backoff ??= new Backoff(this.#registry.clock, { longestMs: LONGEST_PAUSE_MS });
    await this.#backoff.wait();
    this.#isPausing = false;
    this.#flush();
  }

  #reportFailing(why: string): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#registry.log.warn(
      {},
      `announcements to other servers fail: ${why}; until they are heard again, other servers find changes within revalidate seconds`,
    );
  }

  /**
   * One timer for many messages: only where none has come to an end when it is over is there anything to look
   * for.
   */
  #watchForStall(): void {
    if (this.#isWatchingForStall || this.#isFailing || this.#inFlight === 0) return;
    this.#isWatchingForStall = true;
    const settled = this.#settled;
    this.#registry.clock.after(STALLED_AFTER_MS, () => {
      this.#isWatchingForStall = false;
      if (this.#settled === settled) void this.#checkForStall();
      else this.#watchForStall();
    });
  }

  /**
   * The adapter's server may not answer; or this is an adapter that makes promises of another kind. Where it
   * can count the servers, it is taken for the latter: its messages are not held back.
   */
  async #checkForStall(): Promise<void> {
    const settled = this.#settled;
    const counted = this.countServers().then(
      () => true,
      () => false,
    );
    const limit = { clock: this.#registry.clock, limitMs: COUNT_TIMEOUT_MS, whenLate: () => false };
    const isAlive = await withTimeLimit(limit, () => counted);
    if (this.#settled !== settled || this.#isClosed) return;
    if (!isAlive) return this.#reportFailing("no answer");
    this.#doPromisesSettle = false;
    this.#flush();
  }

  /**
   * How many servers hear each other. Who asks while that is being found out shares the answer, which may
   * never come.
   */
  countServers(): Promise<number> {
    if (!this.#count) {
      const counting = count(this.#namespace).finally(() => {
        this.#count = undefined;
      });
      this.#count = counting;
    }
    return this.#count;
  }
}

async function count({ adapter }: Namespace): Promise<number> {
  let answer: unknown;
  capturePromises(() => {
    answer = adapter.serverCount();
  });
  return (await answer) as number;
}
