import type { Database } from "../database/database.js";
import { isCalm } from "../plan/lives.js";
import type { Plan } from "../plan/plan.js";
import type { Change, Row } from "../sql/statement.js";
import type { Findings } from "./findings.js";

/** So long an answer is on its way to a page at most, where nobody stands still. */
const ANSWER_S = 10;

/** When sessions end that nobody ends. All by the database's clock. */
export class Expiry {
  readonly #database: Database;
  readonly #findings: Findings;
  readonly #count: (what: string) => void;
  readonly #expiration: number;
  readonly #touchEvery: number;
  readonly #absolute: number;
  /** By how much the database's clock is set, all in all. Seconds. */
  readonly #setBy: number;
  /** Nobody sets the database's clock. */
  readonly #isClockSteady: boolean;
  /** Sessions end in the middle of their use, and pages get others all the time. */
  readonly isRestless: boolean;
  /** A session that somebody is connected with does not expire. */
  readonly #isKept: boolean;

  constructor(plan: Plan, database: Database, findings: Findings, count: (what: string) => void) {
    const { options } = plan.settings;
    this.#database = database;
    this.#findings = findings;
    this.#count = count;
    this.#expiration = Number(options["expiration"]);
    this.#touchEvery = Number(options["touchEvery"] ?? 900);
    this.#absolute = Number(options["absoluteExpiration"] ?? 7_776_000);
    this.#setBy = plan.acts.reduce(
      (sum, act) => sum + (act.do === "database clock" ? Math.abs(act.byMs) / 1_000 : 0),
      0,
    );
    this.#isClockSteady = this.#setBy === 0;
    const isByEvents = this.#expiration < 60 && options["idle"] === "events";
    this.isRestless = isByEvents || this.#absolute < 200;
    this.#isKept = isCalm(plan) && options["idle"] !== "events";
  }

  /**
   * A change to a row, as it is committed, by a statement that began at `beganAt`: by that time it goes,
   * however long it has waited for locks.
   */
  committed({ sessionId, row }: Change, before: Row | null, by: string, beganAt: number): void {
    const time = Math.floor(beganAt);
    const was = Number(before?.["expires"]);
    if (!row) {
      if (before && was <= time) this.#count("expired row deleted");
      return;
    }
    const expires = Number(row["expires"]);
    const idle = Number(row["idleSeconds"] ?? this.#expiration);
    const latest = time + idle + Math.min(this.#touchEvery, Math.ceil(idle / 4));
    if (expires !== was && expires > latest + 1)
      this.#findings.add("expiry", `${by} lets ${sessionId} live ${expires - latest} s too long`);
    if (expires > Number(row["createdAt"]) + this.#absolute)
      this.#findings.add("expiry", `${by} lets ${sessionId} live longer than the longest life`);
    if (!before) return;
    if (expires > was) this.#count("touched");
    if (expires < was)
      this.#findings.add(
        "expiry",
        `${by} has ${sessionId} end ${was - expires} s sooner than it had been said`,
      );
    if (was <= time && by !== "administrator")
      this.#findings.add("expiry", `${by} has written ${sessionId}, which expired ${time - was} s before`);
  }

  /** Whether a row has not expired, wherever the database's clock has stood. */
  isAlive(row: Row): boolean {
    return Number(row["expires"]) > this.#database.time + this.#setBy;
  }

  /** A node says that a session is over; `isConnected`: a page has it open. */
  ended(node: string, sessionId: string, isConnected: boolean): void {
    this.#count("session expired");
    const { time } = this.#database;
    const row = this.#database.row(sessionId);
    if (!row) return;
    if (this.#isClockSteady && Number(row["expires"]) > time)
      this.#findings.add("expiry", `${node} has ended ${sessionId}, which lives for longer`);
    const isOfAge = Number(row["createdAt"]) + this.#absolute <= time;
    if (this.#isKept && isConnected && !isOfAge)
      this.#findings.add("expiry", `${sessionId} has expired, and a page is connected with it`);
  }

  /** A page is told that it has a session that was there; `isPrompt`: nobody has stood still lately. */
  opened(device: string, sessionId: string, isPrompt: boolean): void {
    const since = this.#database.time - Number(this.#database.row(sessionId)?.["expires"]);
    if (isPrompt && this.#isClockSteady && since > ANSWER_S)
      this.#findings.add("expiry", `${device} was given ${sessionId}, which expired ${since} s ago`);
  }
}
