import type { Change, Row } from "../sql/statement.js";

export interface Standing {
  /** `null`: the row is gone. */
  readonly userId: string | null;
  /** What opens it. */
  readonly secretHash: string;
  readonly isGone: boolean;
  /** Since when it is so. */
  readonly sinceMs: number;
}

/** Who a session belongs to and what opens it, by its row, and since when. */
export class Standings {
  readonly #all = new Map<string, Standing>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  of(sessionId: string): Standing | undefined {
    return this.#all.get(sessionId);
  }

  committed({ sessionId, row }: Change): void {
    const before = this.#all.get(sessionId);
    const userId = (row?.["userId"] ?? null) as string | null;
    const secretHash = hexOf(row, "secretHash");
    const isGone = row === null;
    if (before?.isGone === isGone && before.userId === userId && before.secretHash === secretHash) return;
    this.#all.set(sessionId, { userId, secretHash, isGone, sinceMs: this.#nowMs() });
  }
}

export function hexOf(row: Row | null, column: string): string {
  const value = row?.[column];
  return Buffer.isBuffer(value) ? value.toString("hex") : "";
}
