/** What the first operation waits for: it too begins in a turn of its own. */
const NOTHING = Promise.resolve();

/** Hears whether an owner has any operations, under way or waiting. */
export interface TurnsHost<Owner> {
  onBusy(owner: Owner): void;
  onIdle(owner: Owner): void;
}

/**
 * Runs the operations of one owner one at a time, in the order of asking. While nothing else is asked for,
 * one can be run without any promise: {@link begin} and {@link end}.
 */
export class Turns<Owner> {
  readonly #owner: Owner;
  readonly #host: TurnsHost<Owner>;
  #count = 0;
  /**
   * The end of the last one; absent while there is none, and of one that has been begun without a promise.
   */
  #last: Promise<unknown> | undefined;
  #whenEnded: (() => void) | undefined;
  /** Ends the turn of a {@link take} that had to wait for it. */
  #endTaken: (() => void) | undefined;

  constructor(owner: Owner, host: TurnsHost<Owner>) {
    this.#owner = owner;
    this.#host = host;
  }

  /** Operations under way or waiting. */
  get count(): number {
    return this.#count;
  }

  get isBusy(): boolean {
    return this.#count > 0;
  }

  /** Whether the one under way, which has not waited for its turn, is the last that was asked for. */
  get isLast(): boolean {
    return this.#count === 1 && !this.#endTaken;
  }

  /**
   * Runs `operation` in its turn. The next one waits until it is over, or until it is `released`, where
   * given.
   */
  run<Result>(operation: () => Promise<Result>, released?: Promise<void>): Promise<Result> {
    const result = this.#afterLast().then(operation);
    this.#count++;
    if (this.#count === 1) this.#host.onBusy(this.#owner);
    const over = () => this.#finish();
    this.#last = (released ? Promise.race([result, released]) : result).then(over, over);
    return result;
  }

  /** Takes the turn at once, where nothing is under way: to be given back by {@link end}. */
  begin(): boolean {
    if (this.#count > 0) return false;
    this.#count = 1;
    this.#host.onBusy(this.#owner);
    return true;
  }

  /**
   * Takes the turn for an operation that gives it back by {@link end}: later in this turn of the event loop,
   * or behind what is under way.
   */
  take(operation: () => void): void {
    if (this.begin()) queueMicrotask(operation);
    else
      void this.run(
        () =>
          new Promise<void>((resolve) => {
            this.#endTaken = resolve;
            operation();
          }),
      );
  }

  end(): void {
    const endTaken = this.#endTaken;
    if (endTaken) {
      this.#endTaken = undefined;
      return endTaken();
    }
    const tell = this.#whenEnded;
    this.#whenEnded = undefined;
    tell?.();
    this.#finish();
  }

  #afterLast(): Promise<unknown> {
    if (this.#last) return this.#last;
    if (this.#count === 0) return NOTHING;
    return new Promise<void>((resolve) => {
      this.#whenEnded = resolve;
    });
  }

  #finish(): void {
    this.#count--;
    if (this.#count > 0) return;
    this.#last = undefined;
    this.#host.onIdle(this.#owner);
  }
}
