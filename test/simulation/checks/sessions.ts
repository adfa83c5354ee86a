import { RESERVED_KEY } from "../../../src/store.js";
import type { Database } from "../database/database.js";
import type { Row } from "../sql/statement.js";

/** Nobody knows. Anything else is a refusal, and says that nothing was changed. */
export function isUnknown(code: string): boolean {
  return code === "gone" || code === "SESSION_WRITE_UNCERTAIN";
}

/** One change that a page has asked for. */
export interface Change {
  readonly mark: string;
  readonly where: string;
  readonly device: string;
  /** The session whose handler ran it; `""` until one has. */
  sessionId: string;
  /** The process that ran it. */
  process: string;
  state: "pending" | "acknowledged" | "unknown" | "refused";
  /** When its handler began, and when the application was told, by the ledger's own count. */
  beganAt: number;
  toldAt: number;
}

/** What is known of one session. */
export class Known {
  /** How often its values have been cleared. */
  epoch = 0;
  /** Logouts on their way that have not been seen in the row. */
  clearing = 0;
  /** How many have a right to end it. */
  mayEnd = 0;
  isOver = false;
  /** How often the database itself has lost something of it, and when it last did, by the ledger's count. */
  losses = 0;
  lostAt = 0;
  /** Its row was among that: whoever had inserted it may do so again. */
  isRowLost = false;
  /** Marks that were acknowledged, and that the database has lost: nobody writes them again. */
  readonly gone = new Set<string>();
  /** What was acknowledged and must be there. */
  readonly lists = new Set<Change>();
  /** The last one that was acknowledged under each key. */
  readonly keys = new Map<string, Change>();
  /** Marks that have stood under a key and were replaced: they do not come back. */
  readonly replaced = new Set<string>();
  /** Marks that a logout has taken: they do not come back either. */
  readonly taken = new Set<string>();

  /**
   * The database has this row in place of the one that it had: what is in it may be there again, what is not
   * need not be, and must not come back.
   */
  lost(row: Row | null, at: number, changeOf: (mark: string) => Change | undefined): void {
    const now = marksIn(row);
    this.losses++;
    this.lostAt = at;
    this.isOver = row === null;
    this.isRowLost = row === null;
    for (const change of this.lists) {
      if (now.has(change.mark)) continue;
      this.lists.delete(change);
      this.gone.add(change.mark);
    }
    for (const [key, { mark }] of this.keys) {
      if (now.has(mark)) continue;
      this.gone.add(mark);
      const older = changeOf(String(row && valuesOf(row)[key]));
      if (older?.state === "acknowledged") this.keys.set(key, older);
      else this.keys.delete(key);
    }
    for (const mark of now) for (const marks of [this.replaced, this.taken, this.gone]) marks.delete(mark);
  }

  /** A logout has taken all values. */
  cleared(marks: Iterable<string>): void {
    this.clearing--;
    this.epoch++;
    for (const mark of marks) this.taken.add(mark);
    this.lists.clear();
    this.keys.clear();
  }
}

/** The marks in a row. */
export function marksIn(row: Row | null): Set<string> {
  return new Set(row ? (Object.values(valuesOf(row)).flat() as string[]) : []);
}

export function valuesOf(row: Row): Record<string, unknown> {
  const { [RESERVED_KEY]: _, ...values } = JSON.parse(String(row["data"] ?? "{}"));
  return values;
}

/** All sessions that there have been. */
export class Sessions {
  readonly #database: Database;
  readonly #known = new Map<string, Known>();

  constructor(database: Database) {
    this.#database = database;
  }

  of(sessionId: string): Known {
    let known = this.#known.get(sessionId);
    if (!known) {
      known = new Known();
      this.#known.set(sessionId, known);
    }
    return known;
  }

  isAlive(sessionId: string): boolean {
    const row = this.#database.row(sessionId);
    return row !== null && Number(row["expires"]) > this.#database.time && this.of(sessionId).mayEnd === 0;
  }
}
