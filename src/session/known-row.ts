import type { RowFacts } from "../row/row-age.js";
import { latestRevision, newRevision, onlyWriter, type ProcessId, withWriter } from "../row/writers.js";
import type { Seconds, SessionRevision, SessionRow, UnixSeconds, WriteAttempt } from "../store.js";
import { bytesToText, textToBytes } from "../token/hash.js";
import { type CompactIdentity, toCompactIdentity, toIdentity } from "../token/identity.js";
import type { ClientDescription } from "../wire.js";
import type { Values } from "./values.js";

type Facts = Omit<
  KnownRow,
  | "toRow"
  | "with"
  | "writersBytes"
  | "facts"
  | "withTimes"
  | "databaseNow"
  | "latestDatabaseNow"
  | "toAttempt"
  | "afterWrite"
>;

/**
 * A row as a session keeps it: without the values, which are kept apart, and in little space, because there
 * is one for each open session. Replaced, never altered.
 */
export class KnownRow {
  readonly expires: UnixSeconds;
  readonly createdAt: UnixSeconds;
  readonly visitedAt: UnixSeconds;
  readonly previousVisitAt: UnixSeconds;
  readonly idleSeconds: Seconds | null;
  readonly client: ClientDescription | null;
  readonly revision: number;
  /** Each byte a Latin-1 character. */
  readonly writers: string;
  readonly identity: CompactIdentity;
  /** The database's clock when the row was read, and the process's own then, in milliseconds. */
  readonly now: UnixSeconds;
  readonly readAtMs: number;

  constructor(facts: Facts) {
    this.expires = facts.expires;
    this.createdAt = facts.createdAt;
    this.visitedAt = facts.visitedAt;
    this.previousVisitAt = facts.previousVisitAt;
    this.idleSeconds = facts.idleSeconds;
    this.client = facts.client;
    this.revision = facts.revision;
    this.writers = facts.writers;
    this.identity = facts.identity;
    this.now = facts.now;
    this.readAtMs = facts.readAtMs;
  }

  /** A row just read; `before` is what was known of it, whose bytes serve again where it has not moved. */
  static of(row: SessionRow, readAtMs: number, before?: KnownRow): KnownRow {
    const { expires, createdAt, visitedAt, previousVisitAt, idleSeconds, client, revision, now } = row;
    const { writers, identity } = before ?? {
      writers: bytesToText(row.writers),
      identity: toCompactIdentity(row, row.idleSeconds),
    };
    return new KnownRow({
      expires,
      createdAt,
      visitedAt,
      previousVisitAt,
      idleSeconds,
      client,
      // A store of somebody else's may have a large number as a BigInt, with which no arithmetic here would
      // work.
      revision: Number(revision),
      writers,
      identity,
      now,
      readAtMs,
    });
  }

  with(facts: Partial<Facts>): KnownRow {
    return Object.assign(new KnownRow(this), facts);
  }

  /** The same row, seen again with these times. */
  withTimes(seen: SessionRevision, nowMs: number): KnownRow {
    const { expires, visitedAt, previousVisitAt, now } = seen;
    const isAsKnown =
      expires === this.expires &&
      visitedAt === this.visitedAt &&
      previousVisitAt === this.previousVisitAt &&
      this.databaseNow(nowMs) === now;
    return isAsKnown ? this : this.with({ expires, visitedAt, previousVisitAt, now, readAtMs: nowMs });
  }

  /** The database's clock when this process's is `nowMs`. */
  databaseNow(nowMs: number): UnixSeconds {
    return this.now + Math.floor((nowMs - this.readAtMs) / 1000);
  }

  /** The latest that this clock, of which whole seconds are read, can say then. */
  latestDatabaseNow(nowMs: number): number {
    return this.now + 1 + (nowMs - this.readAtMs) / 1000;
  }

  get writersBytes(): Buffer {
    return textToBytes(this.writers);
  }

  /** What tells the age of another row beside this one. */
  get facts(): RowFacts & { readonly writers: Uint8Array } {
    const { revision, writersBytes: writers, createdAt } = this;
    return { revision, writers, createdAt };
  }

  /** The write that would make this row hold `values`. */
  toAttempt(sessionId: string, values: Values, processId: ProcessId): WriteAttempt {
    const revision = newRevision(latestRevision(this));
    return {
      sessionId,
      baseRevision: this.revision,
      revision,
      data: values.toText(),
      writers:
        onlyWriter(this.writers, processId, revision) ?? withWriter(this.writersBytes, processId, revision),
      ...(values.compactIdentity !== this.identity && { identity: values.identity }),
      // Against what the values were taken from: somebody may have changed the column alone.
      ...(values.compactIdentity.idleSeconds !== this.identity.idleSeconds && {
        idleSeconds: values.compactIdentity.idleSeconds,
      }),
    };
  }

  /** The row after that write; `expires` where it changes the idle time. */
  afterWrite(
    { revision, writers, idleSeconds = this.idleSeconds }: WriteAttempt,
    values: Values,
    expires = this.expires,
  ): KnownRow {
    const identity = values.compactIdentity;
    return this.with({ revision, writers: bytesToText(writers), identity, idleSeconds, expires });
  }

  /** The row as a store hands it out, but for its values. */
  toRow(sessionId: string): Omit<SessionRow, "data"> {
    const { writers, identity, readAtMs: _, ...rest } = this as Facts;
    return { ...rest, sessionId, writers: textToBytes(writers), ...toIdentity(identity) };
  }
}
