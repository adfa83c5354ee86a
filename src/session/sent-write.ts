import type { Pending } from "../gateway/batch.js";
import type { WriteAttempt } from "../store.js";
import type { KnownRow } from "./known-row.js";
import type { Values } from "./values.js";

/** Hears what the store answers to a {@link SentWrite}. */
export interface Writer {
  /** `matched` as {@link SessionStore.write} answers it, or a promise that is rejected with why there is no answer. */
  answered(sent: SentWrite, matched: boolean | undefined | Promise<never>): void;
}

/** An attempt on its way for the first time, and what it was made of. */
export class SentWrite implements Pending<WriteAttempt, boolean | undefined> {
  readonly entry: WriteAttempt;
  readonly base: KnownRow;
  readonly values: Values;
  readonly deadline: number;
  readonly #writer: Writer;

  constructor(
    entry: WriteAttempt,
    { base, values, deadline }: Pick<SentWrite, "base" | "values" | "deadline">,
    writer: Writer,
  ) {
    this.entry = entry;
    this.base = base;
    this.values = values;
    this.deadline = deadline;
    this.#writer = writer;
  }

  resolve(matched: boolean | undefined): void {
    this.#writer.answered(this, matched);
  }

  reject(error: unknown): void {
    this.#writer.answered(this, Promise.reject(error));
  }
}
