import type { StatementKind } from "../facts.js";

/** A statement that has come to an end, well or not. */
export interface EndedStatement {
  readonly width: number;
  readonly durationMs: number;
  /** How long the first of its entries had waited when it began. */
  readonly waitedMs: number;
  /** What it failed with; absent where it was answered. */
  readonly error?: unknown;
}

/** The same, and what it did. */
export interface Statement extends EndedStatement {
  readonly kind: StatementKind;
}

/** Hears of each statement. Must not throw. */
export type OnStatement = (statement: Statement) => void;

/** Runs a statement that no batch does, and tells of it. */
export async function tellOf<Result>(
  onStatement: OnStatement,
  of: Pick<Statement, "kind" | "width">,
  run: () => Promise<Result>,
): Promise<Result> {
  const beganMs = performance.now();
  const ended = () => ({ ...of, durationMs: performance.now() - beganMs, waitedMs: 0 });
  try {
    const result = await run();
    onStatement(ended());
    return result;
  } catch (error) {
    onStatement({ ...ended(), error });
    throw error;
  }
}
