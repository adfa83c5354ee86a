/**
 * The seam where statements of different sessions will be gathered into one (natural batching: what piles up while a
 * statement is in flight goes out in the next). For now each entry goes out alone, at once.
 */
export class Batch<Entry, Result> {
  readonly #run: (entries: readonly Entry[]) => Promise<readonly Result[]>;

  /** `run` answers for each entry, in order. */
  constructor(run: (entries: readonly Entry[]) => Promise<readonly Result[]>) {
    this.#run = run;
  }

  async add(entry: Entry): Promise<Result> {
    const results = await this.#run([entry]);
    if (results.length !== 1) throw new TypeError("a store must answer for each entry");
    return results[0] as Result;
  }
}
