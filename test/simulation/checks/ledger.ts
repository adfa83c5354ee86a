import type { Database } from "../database/database.js";
import type { Row, Change as RowChange } from "../sql/statement.js";
import type { Timeline } from "../world/timeline.js";
import { Findings } from "./findings.js";

type State = "pending" | "acknowledged" | "unknown" | "refused";

/** One change that a page has asked for. */
interface Change {
  readonly mark: string;
  readonly where: string;
  readonly n: number;
  readonly device: string;
  /** The session whose handler ran it; `""` until one has. */
  sessionId: string;
  /** How often the session's values had been cleared when it was acknowledged. */
  epoch: number;
  state: State;
  /** When its handler began, and when the application was told, by the ledger's own count. */
  beganAt: number;
  toldAt: number;
}

/** What is known of one session. */
interface Known {
  epoch: number;
  /** Logouts on their way, or done, that have not been seen in the row. */
  clearing: number;
  /** What was acknowledged and must be there. */
  readonly lists: Set<Change>;
  readonly keys: Map<string, Change>;
  /** Marks that have stood under a key and were replaced: they do not come back. */
  readonly replaced: Set<string>;
  /** What ends it by right. */
  mayEnd: boolean;
  isOver: boolean;
}

/** Values with every mark of their kind; under any other key lies the mark that was set last. */
export const LISTS = ["updates", "handlers"];
/** Nobody knows. Anything else is a refusal, and says that nothing was changed. */
const UNKNOWN = new Set(["gone", "SESSION_WRITE_UNCERTAIN"]);

/**
 * What must hold, by what the application was told: each change leaves a mark of its own in the values, so that one that is lost, doubled, or
 * there although it was refused, shows at the commit that makes it so.
 */
export class Ledger {
  readonly findings: Findings;
  readonly #database: Database;
  readonly #changes = new Map<string, Change>();
  readonly #sessions = new Map<string, Known>();
  readonly #seen = new Map<string, { epoch: number; marks: Set<string> }>();
  readonly #devices = new Map<string, string>();
  readonly #timeline: Timeline;
  #n = 0;

  constructor(database: Database, timeline: Timeline) {
    this.#database = database;
    this.#timeline = timeline;
    this.findings = new Findings(timeline);
  }

  /** A page asks for a change; gives its mark. */
  asks(device: string, where: string): string {
    const n = ++this.#n;
    const mark = `${device}:${where}:${n}`;
    this.#changes.set(mark, {
      mark,
      where,
      n,
      device,
      sessionId: "",
      epoch: 0,
      state: "pending",
      beganAt: 0,
      toldAt: 0,
    });
    return mark;
  }

  /** A handler runs it for a session. */
  begins(mark: string, sessionId: string): void {
    const change = this.#changes.get(mark);
    if (!change) return;
    change.sessionId = sessionId;
    change.beganAt = ++this.#n;
  }

  /** The application is told what came of it. */
  told(mark: string, code: string, process: string): void {
    const change = this.#changes.get(mark);
    if (!change) return;
    this.#timeline.tell(process, () => `${mark} came to "${code}"`);
    const { sessionId } = change;
    change.toldAt = ++this.#n;
    const known = this.session(sessionId);
    const isThere = this.#marksIn(this.#database.row(sessionId)).has(mark);
    if (code !== "") {
      change.state = UNKNOWN.has(code) ? "unknown" : "refused";
      if (isThere && change.state === "refused")
        this.findings.add(
          "false refusal",
          `${mark} was refused (${code}), and is in the row of ${sessionId}`,
        );
      return;
    }
    change.state = "acknowledged";
    if (known.isOver || known.clearing > 0) return;
    change.epoch = known.epoch;
    if (LISTS.includes(change.where)) {
      known.lists.add(change);
      if (!isThere)
        this.findings.add("lost", `${mark} was acknowledged, and is not in the row of ${sessionId}`);
      this.#seenBy(process, sessionId).add(mark);
    } else {
      const last = known.keys.get(change.where);
      // Of two at the same time either may be the later one.
      if (!last || last.toldAt < change.beganAt || known.replaced.has(last.mark))
        known.keys.set(change.where, change);
    }
  }

  /** A handler has read these values. */
  read(process: string, sessionId: string, values: Record<string, unknown>): void {
    if (sessionId === "" || this.session(sessionId).clearing > 0) return;
    const shown = new Set(LISTS.flatMap((list) => (values[list] as string[]) ?? []));
    for (const mark of shown) {
      const change = this.#changes.get(mark);
      if (change?.sessionId !== sessionId)
        this.findings.add("of another", `a handler of ${sessionId} in ${process} has read ${mark}`);
    }
    const seen = this.#seenBy(process, sessionId);
    for (const mark of seen) {
      if (!shown.has(mark))
        this.findings.add("gone back", `${process} had shown ${mark} of ${sessionId}, and shows it no more`);
    }
    const committed = this.#marksIn(this.#database.row(sessionId));
    for (const mark of shown) if (committed.has(mark)) seen.add(mark);
  }

  /** Something else is done to a session; gives what is to be told its end. */
  acts(kind: string, sessionId: string, _given: string): (code: string) => void {
    const known = this.session(sessionId);
    if (kind === "destroy") known.mayEnd = true;
    if (kind === "logout") known.clearing++;
    return () => {};
  }

  /** A page says that it has a session. */
  starts(device: string, sessionId: string, created: boolean): void {
    const before = this.#devices.get(device);
    if (created && before !== undefined && before !== sessionId && this.#isAlive(before))
      this.findings.add("logged out", `${device} had ${before}, which lives, and was given ${sessionId}`);
    this.#devices.set(device, sessionId);
  }

  ends(_device: string, _reason: string): void {}

  #isAlive(sessionId: string): boolean {
    const row = this.#database.row(sessionId);
    return row !== null && Number(row["expires"]) > this.#database.time && !this.session(sessionId).mayEnd;
  }

  /** Every change to the table, as it is committed. */
  committed({ sessionId, row }: RowChange, before: Row | null, by: string): void {
    const known = this.session(sessionId);
    if (!row) {
      if (!known.mayEnd && before && Number(before["expires"]) > this.#database.time)
        this.findings.add("ended", `${by} has deleted ${sessionId}, which nobody had ended`);
      known.isOver = true;
      return;
    }
    if (known.isOver) this.findings.add("revived", `${by} has written ${sessionId} after its end`);
    if (!before || row["data"] === before["data"]) return;
    if (Number(row["revision"]) <= Number(before["revision"]))
      this.findings.add("revision", `${by} has written ${sessionId} with a revision that is not larger`);
    this.#checkKeys(known, before, row, by);
    this.#checkValues(known, sessionId, row, by);
  }

  #checkKeys({ replaced }: Known, before: Row, row: Row, by: string): void {
    const [old, now] = [valuesOf(before), valuesOf(row)];
    for (const [key, mark] of Object.entries(old))
      if (!LISTS.includes(key) && now[key] !== mark) replaced.add(mark as string);
    for (const mark of Object.values(now)) {
      if (replaced.has(mark as string))
        this.findings.add("revived", `${by} has brought ${mark} back, which had been replaced`);
    }
  }

  #checkValues(known: Known, sessionId: string, row: Row, by: string): void {
    const values = valuesOf(row);
    const there = new Set<string>();
    for (const [key, value] of Object.entries(values)) {
      for (const mark of LISTS.includes(key) ? (value as string[]) : [value as string]) {
        const change = this.#changes.get(mark);
        if (there.has(mark)) this.findings.add("doubled", `${mark} is twice in ${sessionId}, by ${by}`);
        there.add(mark);
        if (change?.sessionId !== sessionId)
          this.findings.add("of another", `${mark} is in ${sessionId}, by ${by}`);
        else if (change.state === "refused")
          this.findings.add(
            "false refusal",
            `${mark} had been refused, and ${by} has written it to ${sessionId}`,
          );
      }
    }
    const isCleared =
      known.clearing > 0 && [...known.lists, ...known.keys.values()].every(({ mark }) => !there.has(mark));
    if (isCleared) {
      known.clearing--;
      known.epoch++;
      known.lists.clear();
      known.keys.clear();
    }
    for (const { mark } of known.lists)
      if (!there.has(mark))
        this.findings.add("lost", `${mark} had been acknowledged, and ${by} has taken it from ${sessionId}`);
    for (const [key, last] of known.keys) {
      const now = this.#changes.get(values[key] as string);
      if (!now || (now.state === "acknowledged" && now.toldAt < last.beganAt))
        this.findings.add(
          "lost",
          `${last.mark} had been acknowledged, and ${by} has put ${now?.mark} in its place`,
        );
    }
  }

  session(sessionId: string): Known {
    let known = this.#sessions.get(sessionId);
    if (!known) {
      known = {
        epoch: 0,
        clearing: 0,
        lists: new Set(),
        keys: new Map(),
        replaced: new Set(),
        mayEnd: false,
        isOver: false,
      };
      this.#sessions.set(sessionId, known);
    }
    return known;
  }

  #seenBy(process: string, sessionId: string): Set<string> {
    const key = `${process}/${sessionId}`;
    const { epoch } = this.session(sessionId);
    let seen = this.#seen.get(key);
    if (!seen || seen.epoch !== epoch) {
      seen = { epoch, marks: new Set() };
      this.#seen.set(key, seen);
    }
    return seen.marks;
  }

  #marksIn(row: Row | null): Set<string> {
    if (!row) return new Set();
    return new Set(Object.values(valuesOf(row)).flat() as string[]);
  }
}

function valuesOf(row: Row): Record<string, unknown> {
  return JSON.parse(String(row["data"] ?? "{}")) as Record<string, unknown>;
}
