/** From how many to how many milliseconds. */
export type Span = readonly [leastMs: number, mostMs: number];

/** What may happen to a statement now. Each is a probability, but for the spans. */
export interface Weather {
  /** How long a statement, and its answer, are on their way. */
  way: Span;
  /** How long a statement is worked on; its locks are held. */
  work: Span;
  /** The connection is cut before the statement gets there. */
  cutBefore: number;
  /** The connection is cut, and the statement runs later, up to {@link lateMs}. */
  cutDuring: number;
  lateMs: number;
  /** The connection is cut behind the effect: the answer is lost. */
  cutAfter: number;
  /** The answer never comes, and nothing says so. */
  silent: number;
  /** Rolled back at the end, as for a deadlock. */
  deadlock: number;
  /** The server refuses with an error by which nothing was done. */
  refused: number;
  /** An error that does not tell; the effect may be there. */
  unclear: number;
  /** Of several rows, one that matched is not counted. */
  lie: number;
  /** So many reads see what was there `lagMs` ago. */
  lag: number;
  lagMs: number;
  /** Errors of any number of the kinds of {@link errorsOf}. */
  errors: number;
  errorsOf: readonly ("not applied" | "unknown" | "refused")[];
}

export function fairWeather(): Weather {
  return {
    way: [0, 2],
    work: [0, 1],
    cutBefore: 0,
    cutDuring: 0,
    lateMs: 3_000,
    cutAfter: 0,
    silent: 0,
    deadlock: 0,
    refused: 0,
    unclear: 0,
    lie: 0,
    lag: 0,
    lagMs: 0,
    errors: 0,
    errorsOf: [],
  };
}
