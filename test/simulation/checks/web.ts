import { createHash } from "node:crypto";
import type { Database } from "../database/database.js";
import type { Row, Change as RowChange } from "../sql/statement.js";
import type { SimulatedProcess } from "../world/process.js";
import type { Timeline } from "../world/timeline.js";
import type { Expiry } from "./expiry.js";
import type { Ledger } from "./ledger.js";
import { marksIn } from "./sessions.js";

interface Begun {
  readonly process: SimulatedProcess;
  readonly beganAtMs: number;
  readonly waitsMs: number;
}

/** A request has a few steps, each of which the store answers in time or not at all. */
const STEPS = 5;

/** How late a read is at most. */
const MOST_LATE_MS = 2_500;

/** What must hold of requests, beside what the ledger knows of all changes. */
export class WebChecks {
  readonly #database: Database;
  readonly #timeline: Timeline;
  readonly #ledger: Ledger;
  readonly #expiry: Expiry;
  readonly #limitMs: number;
  readonly #begun = new Map<string, Begun>();
  /** Hashes that have opened a session, or were about to, at any time. */
  readonly #good = new Set<string>();
  /** Cookies whose session was saved, or could not be. */
  readonly #saved = new Set<string>();
  /** What opens each session, and how often that has changed. */
  readonly #secrets = new Map<string, { readonly hash: string; readonly changes: number }>();
  /** When the row of a session was first there. */
  readonly #insertedAtMs = new Map<string, number>();
  /** Marks that have been in a row at any time. */
  readonly #committed = new Set<string>();

  constructor(given: {
    database: Database;
    timeline: Timeline;
    ledger: Ledger;
    expiry: Expiry;
    storeTimeout: number;
  }) {
    this.#database = given.database;
    this.#timeline = given.timeline;
    this.#ledger = given.ledger;
    this.#expiry = given.expiry;
    this.#limitMs = STEPS * given.storeTimeout * 1_000;
  }

  begins(request: string, process: SimulatedProcess, waitsMs: number): void {
    this.#begun.set(request, { process, waitsMs, beganAtMs: this.#timeline.nowMs });
  }

  /** Its answer has gone out, or its connection. */
  ends(request: string): void {
    const begun = this.#begun.get(request);
    if (begun) this.#checkTime(request, begun);
    this.#begun.delete(request);
  }

  #checkTime(request: string, { process, beganAtMs, waitsMs }: Begun): void {
    const { nowMs } = this.#timeline;
    // A node that stood still meanwhile has not been late.
    if (!process.isAlive || process.pausedUntilMs > beganAtMs) return;
    if (nowMs - beganAtMs > this.#limitMs + waitsMs)
      this.#ledger.findings.add("late", `${request} has taken ${nowMs - beganAtMs} ms`);
  }

  /** When all has come to rest, no request waits. */
  rest(): void {
    for (const [request, begun] of this.#begun)
      if (begun.process.isAlive) this.#ledger.findings.add("held", `${request} was never answered`);
  }

  committed({ sessionId, row }: RowChange): void {
    if (!this.#insertedAtMs.has(sessionId)) this.#insertedAtMs.set(sessionId, this.#timeline.nowMs);
    for (const name of ["secretHash", "nextHash"]) if (row) this.#good.add(hex(row[name]));
    for (const mark of marksIn(row)) this.#committed.add(mark);
    const [hash, known] = [hex(row?.["secretHash"]), this.#secrets.get(sessionId)];
    if (hash !== known?.hash) this.#secrets.set(sessionId, { hash, changes: (known?.changes ?? 0) + 1 });
  }

  /** An answer has brought a token, in its header or its cookie. */
  promised(token: string, by: string): void {
    const [, secret = ""] = token.split(".");
    if (!this.#good.has(sha(secret)))
      this.#ledger.findings.add("empty promise", `the token in ${by} has never opened a session`);
  }

  /** What opens a session now; `undefined` where that may be about to change. */
  secretHashOf(sessionId: string): string | undefined {
    if (this.#ledger.identities.isReplacing(sessionId)) return undefined;
    return hex(this.#database.row(sessionId)?.["secretHash"]) || undefined;
  }

  /** The answer to a login, or the like, that was acknowledged: it brings what opens the session since. */
  brings(secretHash: string, token: string, by: string): void {
    const [, secret = ""] = token.split(".");
    if (sha(secret) !== secretHash)
      this.#ledger.findings.add("empty promise", `${by} brings not what opens the session`);
  }

  /** A token is where a page with the bridge can read it. */
  shows(by: string): void {
    this.#ledger.findings.add("token shown", `${by} has its token in a header`);
  }

  /** A session of express-session was saved, or could not be, or has been ended. */
  saved(sessionId: string): void {
    this.#saved.add(sessionId);
  }

  /** An answer that is complete has brought a cookie of express-session. */
  promisedCookie(sessionId: string): void {
    if (!this.#saved.has(sessionId))
      this.#ledger.findings.add("empty promise", `the session ${sessionId} of a cookie was never saved`);
  }

  /** Whether a cookie opens its session. */
  opens(sessionId: string, cookieId: string): boolean {
    const row = this.#database.row(sessionId);
    return row !== null && hex(row["secretHash"]) === sha(cookieId) && this.#expiry.isAlive(row);
  }

  /**
   * A request has come with what opens a session that lives; gives what is to be asked when it has been looked
   * at: whether it has found that session. `isOpaque`: its id does not say that it is new, so it is not looked
   * for again where reads are late.
   */
  comes(
    by: string,
    { sessionId, secret, isOpaque = false }: { sessionId: string; secret: string; isOpaque?: boolean },
  ): (isFound: boolean) => void {
    const { identities, findings } = this.#ledger;
    const isGood = () =>
      this.opens(sessionId, secret) &&
      !identities.isReplacing(sessionId) &&
      !this.#ledger.isBroughtBack(sessionId);
    const mayBeLate = () => isOpaque && this.#isNew(sessionId) && this.#areReadsLate;
    if (!isGood() || mayBeLate()) return () => {};
    // One that was replaced and is good again, by a restore, is not what the node knows.
    const changes = () => this.#secrets.get(sessionId)?.changes;
    const before = changes();
    return (isFound) => {
      if (isFound || !isGood() || mayBeLate() || changes() !== before) return;
      findings.add("not found", `${by} has not found ${sessionId}`);
    };
  }

  #isNew(sessionId: string): boolean {
    return this.#timeline.nowMs - (this.#insertedAtMs.get(sessionId) ?? 0) < MOST_LATE_MS;
  }

  get #areReadsLate(): boolean {
    const { weather, cluster } = this.#database;
    return weather.lag > 0 || (cluster?.hosts.some(({ lagMs }) => lagMs > 0) ?? false);
  }

  /** A save of a session that lives was acknowledged. */
  isSaved(sessionId: string, mark: string): void {
    if (!marksIn(this.#database.row(sessionId)).has(mark) && !this.#ledger.mayLack(sessionId, mark))
      this.#ledger.findings.add("lost", `${mark} was saved, and is not in the row of ${sessionId}`);
  }

  /** A request has set a value, taken it away again, and saved both, one after the other. */
  isTaken(sessionId: string, mark: string): void {
    if (marksIn(this.#database.row(sessionId)).has(mark) && !this.#ledger.isLostSince(sessionId, mark))
      this.#ledger.findings.add("revived", `${mark} was deleted, and is in the row of ${sessionId}`);
  }

  /** A request has found these values. */
  reads(process: string, sessionId: string, values: readonly unknown[]): void {
    for (const mark of values.flat()) {
      if (typeof mark !== "string") continue;
      if (this.#ledger.sessionOf(mark) !== sessionId)
        this.#ledger.findings.add("of another", `a request of ${sessionId} in ${process} has read ${mark}`);
      else if (!this.#committed.has(mark))
        this.#ledger.findings.add(
          "never saved",
          `a request in ${process} has read ${mark}, which no row has had`,
        );
    }
  }
}

function sha(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function hex(value: Row[string] | undefined): string {
  return Buffer.isBuffer(value) ? value.toString("hex") : "";
}
