import type { Database } from "../database/database.js";
import type { Row, Change as RowChange } from "../sql/statement.js";
import type { Timeline } from "../world/timeline.js";
import { Findings } from "./findings.js";
import { Identities } from "./identities.js";
import { type Change, isUnknown, type Known, marksIn, Sessions, valuesOf } from "./sessions.js";

/** Values with every mark of their kind; under any other key lies the mark that was set last. */
const LISTS = ["updates", "handlers"];

/**
 * What must hold, by what the application was told: each change leaves a mark of its own in the values, so
 * that one that is lost, doubled, or there although it was refused, shows at the commit that makes it so.
 */
export class Ledger {
  readonly findings: Findings;
  readonly identities: Identities;
  readonly #database: Database;
  readonly #timeline: Timeline;
  readonly #sessions: Sessions;
  readonly #changes = new Map<string, Change>();
  readonly #seen = new Map<string, { age: number; marks: Set<string> }>();
  #n = 0;

  constructor(database: Database, timeline: Timeline) {
    this.#database = database;
    this.#timeline = timeline;
    this.#sessions = new Sessions(database);
    this.findings = new Findings(timeline);
    this.identities = new Identities({
      database,
      timeline,
      sessions: this.#sessions,
      findings: this.findings,
    });
  }

  /** A page asks for a change; gives its mark. */
  asks(device: string, where: string): string {
    const mark = `${device}:${where}:${++this.#n}`;
    this.#changes.set(mark, {
      mark,
      where,
      device,
      sessionId: "",
      process: "",
      state: "pending",
      beganAt: 0,
      toldAt: 0,
    });
    return mark;
  }

  /** A handler runs it for a session. */
  begins(mark: string, sessionId: string, process: string): void {
    const change = this.#changes.get(mark);
    if (!change) return;
    change.sessionId = sessionId;
    change.process = process;
    change.beganAt = ++this.#n;
  }

  /** The application is told what came of it. */
  told(mark: string, code: string, process: string): void {
    const change = this.#changes.get(mark);
    if (!change) return;
    this.#timeline.tell(process, () => `${mark} came to "${code}"`);
    const { sessionId } = change;
    change.toldAt = ++this.#n;
    const known = this.#sessions.of(sessionId);
    const isThere = marksIn(this.#database.row(sessionId)).has(mark);
    if (code !== "") {
      change.state = isUnknown(code) ? "unknown" : "refused";
      if (isThere && change.state === "refused")
        this.findings.add(
          "false refusal",
          `${mark} was refused (${code}), and is in the row of ${sessionId}`,
        );
      return;
    }
    change.state = "acknowledged";
    if (known.isOver || known.taken.has(mark)) return;
    // A logout may have taken it between its commit and this word.
    if (known.clearing > 0 || (known.epoch > 0 && !isThere)) return;
    if (!isThere && change.beganAt < known.lostAt) return void known.gone.add(mark);
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

  isAlive(sessionId: string): boolean {
    return !this.#sessions.of(sessionId).isOver;
  }

  /** Whether the end of a session was asked for, and the database may have lost it: nodes hear of it even so. */
  isBroughtBack(sessionId: string): boolean {
    const { mayEnd, losses } = this.#sessions.of(sessionId);
    return mayEnd > 0 && losses > 0;
  }

  /** Whose session a mark was set in; `undefined` of what is no mark. */
  sessionOf(mark: string): string | undefined {
    return this.#changes.get(mark)?.sessionId;
  }

  /** Whether something has a right to have taken a mark out of a session. */
  mayLack(sessionId: string, mark: string): boolean {
    const { isOver, mayEnd, clearing, epoch, replaced, gone } = this.#sessions.of(sessionId);
    return isOver || mayEnd > 0 || clearing > 0 || epoch > 0 || replaced.has(mark) || gone.has(mark);
  }

  /** Whether the database itself has lost something of a session since a handler began to set this. */
  isLostSince(sessionId: string, mark: string): boolean {
    return this.#sessions.of(sessionId).lostAt > (this.#changes.get(mark)?.beganAt ?? 0);
  }

  /** A handler has read these values. */
  read(process: string, sessionId: string, values: Record<string, unknown>): void {
    if (sessionId === "" || this.#sessions.of(sessionId).clearing > 0) return;
    const shown = new Set(LISTS.flatMap((list) => (values[list] as string[]) ?? []));
    for (const mark of shown) {
      if (this.#changes.get(mark)?.sessionId !== sessionId)
        this.findings.add("of another", `a handler of ${sessionId} in ${process} has read ${mark}`);
    }
    const seen = this.#seenBy(process, sessionId);
    for (const mark of seen) {
      if (!shown.has(mark))
        this.findings.add("gone back", `${process} had shown ${mark} of ${sessionId}, and shows it no more`);
    }
    const committed = marksIn(this.#database.row(sessionId));
    for (const mark of shown) {
      // What is on its way is shown too, and may turn out to be uncertain; what another process has written
      // was read.
      const change = this.#changes.get(mark);
      const isSaved = change?.state === "acknowledged" || change?.process !== process;
      if (isSaved && committed.has(mark)) seen.add(mark);
    }
  }

  /** What the database itself has taken back: the rows as they are now, and as they had been. */
  lost(lost: readonly { change: RowChange; before: Row | null }[]): void {
    const at = ++this.#n;
    for (const { change, before } of lost) {
      this.#sessions.of(change.sessionId).lost(change.row, at, (mark) => this.#changes.get(mark));
      this.identities.lost(change, before);
    }
  }

  /** Every change to the table, as it is committed. */
  committed(change: RowChange, before: Row | null, by: string): void {
    const { sessionId, row } = change;
    const known = this.#sessions.of(sessionId);
    if (!row) {
      if (known.mayEnd === 0 && before && Number(before["expires"]) > this.#database.time)
        this.findings.add("ended", `${by} has deleted ${sessionId}, which nobody had ended`);
      known.isOver = true;
      return;
    }
    if (known.isOver && !this.#isInsertedAgain(known, change, before))
      this.findings.add("revived", `${by} has written ${sessionId} after its end`);
    if (!before) {
      // A session of a cookie begins with values.
      this.#checkValues(known, sessionId, row, by);
      return;
    }
    this.identities.committed(change, before, by);
    if (row["data"] === before["data"]) return;
    if (Number(row["revision"]) <= Number(before["revision"]))
      this.findings.add("revision", `${by} has written ${sessionId} with a revision that is not larger`);
    this.#checkKeys(known, before, row, by);
    this.#checkValues(known, sessionId, row, by);
  }

  /**
   * A new session whose row was lost before its node had heard of it: it is as new as it was. One of a cookie
   * has the values that it begins with.
   */
  #isInsertedAgain(known: Known, { row }: RowChange, before: Row | null): boolean {
    const isOnItsWay = (mark: string) => this.#changes.get(mark)?.state === "pending";
    if (!known.isRowLost || before || row?.["userId"] || ![...marksIn(row)].every(isOnItsWay)) return false;
    known.isOver = false;
    known.isRowLost = false;
    return true;
  }

  #checkKeys({ replaced, taken }: Known, before: Row, row: Row, by: string): void {
    const [old, now] = [valuesOf(before), valuesOf(row)];
    for (const [key, mark] of Object.entries(old))
      if (!LISTS.includes(key) && now[key] !== mark) replaced.add(mark as string);
    for (const mark of Object.values(now).flat() as string[]) {
      if (replaced.has(mark) || taken.has(mark))
        this.findings.add("revived", `${by} has brought ${mark} back, which had been replaced`);
    }
  }

  #checkValues(known: Known, sessionId: string, row: Row, by: string): void {
    const values = valuesOf(row);
    const there = new Set<string>();
    for (const mark of Object.values(values).flat() as string[]) {
      const change = this.#changes.get(mark);
      if (there.has(mark)) this.findings.add("doubled", `${mark} is twice in ${sessionId}, by ${by}`);
      there.add(mark);
      if (known.gone.has(mark))
        this.findings.add("brought back", `${mark} was lost by the database, and ${by} has written it again`);
      if (change?.sessionId !== sessionId)
        this.findings.add("of another", `${mark} is in ${sessionId}, by ${by}`);
      else if (change.state === "refused")
        this.findings.add(
          "false refusal",
          `${mark} had been refused, and ${by} has written it to ${sessionId}`,
        );
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

  #seenBy(process: string, sessionId: string): Set<string> {
    const key = `${process}/${sessionId}`;
    const { epoch, losses } = this.#sessions.of(sessionId);
    const age = epoch + losses;
    let seen = this.#seen.get(key);
    if (!seen || seen.age !== age) {
      seen = { age, marks: new Set() };
      this.#seen.set(key, seen);
    }
    return seen.marks;
  }
}
