import type { WriteFact } from "../facts.js";
import type { Answer, Outcome } from "../gateway/attempt-state.js";
import type { Pending } from "../gateway/batch.js";
import { type AttemptHost, settleAttempt, toAnswer, toFailure } from "../gateway/settle.js";
import { shortWriteBytes, writeBytes } from "../row/entry-bytes.js";
import type { WriteAttempt } from "../store.js";
import type { KnownRow } from "./known-row.js";
import type { Values } from "./values.js";

/** Hears what became of a {@link SentWrite}. */
export interface Writer {
  readonly id: string;
  onOutcome(sent: SentWrite, outcome: Outcome): void;
}

/** What carrying a write out needs. */
export interface WritingHost extends AttemptHost {
  /** How long before its deadline a write has its turn. */
  readonly storeTimeoutMs: number;
}

const APPLIED: Outcome = { verdict: "applied" };

/**
 * An attempt on its way for the first time, and what it is made of. It is made, once, when its statement
 * starts: until then thousands may wait, and all that they hold is copied by the garbage collector.
 */
export class SentWrite implements Pending<WriteAttempt, boolean | undefined> {
  readonly bytes: number;
  readonly base: KnownRow;
  readonly values: Values;
  readonly deadline: number;
  readonly #writer: Writer;
  readonly #host: WritingHost;
  #entry: WriteAttempt | undefined;

  constructor(
    { base, values, deadline }: Pick<SentWrite, "base" | "values" | "deadline">,
    writer: Writer,
    host: WritingHost,
  ) {
    this.base = base;
    this.values = values;
    this.deadline = deadline;
    this.#writer = writer;
    this.#host = host;
    this.bytes = shortWriteBytes(values.mostBytes) ?? writeBytes(this.entry);
  }

  get entry(): WriteAttempt {
    this.#entry ??= this.base.toAttempt(this.#writer.id, this.values, this.#host.processId);
    return this.#entry;
  }

  /** Without promises where a row matched and that is all there is to it, as it mostly is. */
  resolve(matched: boolean | undefined): void {
    if (matched === true) this.#end(APPLIED);
    else void this.#settle(toAnswer(matched));
  }

  reject(error: unknown): void {
    void this.#settle(toFailure(error));
  }

  async #settle(answer: Answer): Promise<void> {
    const { entry, base, deadline } = this;
    this.#end(await settleAttempt(this.#host, entry, base, deadline, answer));
  }

  #end(outcome: Outcome): void {
    const { facts, clock, storeTimeoutMs } = this.#host;
    if (facts.write.isHeard) {
      const durationMs = clock.now() - (this.deadline - storeTimeoutMs);
      facts.write.tell({ outcome: nameOf(outcome), durationMs });
    }
    this.#writer.onOutcome(this, outcome);
  }
}

function nameOf(outcome: Outcome): WriteFact["outcome"] {
  if (outcome.verdict === "refused") return "conflict";
  if (outcome.verdict !== "failed") return outcome.verdict;
  return outcome.isUncertain ? "uncertain" : "failed";
}
