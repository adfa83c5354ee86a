import { isOrdinary, SessionError } from "../errors.js";
import { reread } from "../gateway/late-reads.js";
import type { Settings } from "../options.js";
import { checkId } from "../session/ids.js";
import { promotePresented, type Standing, standingOf } from "../session/secret.js";
import type { Session } from "../session/session.js";
import { Verification, type Verifier, verifyInTurn } from "../session/verification.js";
import type { SessionRow, SessionStore } from "../store.js";
import { isSameHash } from "../token/hash.js";
import { type TokenParser, tokenParser } from "../token/legacy.js";
import { isOpaque } from "../token/opaque.js";
import type { PresentedToken } from "../token/token.js";
import { UnconfirmedTokens } from "../token/unconfirmed-tokens.js";
import type { ClientDescription, EndReason } from "../wire.js";
import type { Events, SessionInvalidEvent } from "./events.js";
import { LiveSessions } from "./live-sessions.js";
import { type FirstFacts, type Inserter, insertNewRow, insertRow } from "./mint.js";
import { toMintFact, toRecoveryOpen, toTokenOpen } from "./open-facts.js";

/** What became of a token that was presented. */
export type Opened =
  | { found: "session"; session: Session }
  /**
   * `missing`: there is no row; otherwise there is one that this caller may not have, or whose values cannot
   * be read. `isRetired`: a newer token has replaced this one.
   */
  | { found: "nothing"; missing: boolean; isRetired?: boolean; isTold?: boolean }
  | { found: "expired" };

/**
 * What a row is to whoever wants it. `replaced`: it knows what they came by, and that is over; `unknown`: it
 * does not, and may be older than that.
 */
export type RowStanding = "open" | "replaced" | "unknown";

/** How a row is looked at. */
interface Look {
  /** There has been a row, as the caller knows: one missing read is not gone. */
  readonly isExpected?: boolean;
  /** Nobody knows whether there is a row; but if there is, it may have come under this id just now. */
  readonly mayBeNew?: boolean;
}

/** A session just created, and the token that opens it. */
export interface Minted {
  readonly session: Session;
  readonly token: PresentedToken;
}

/**
 * The registry: opens, finds, mints and ends sessions. Whoever gets a session from here holds it until
 * `release`.
 */
export class SessionRegistry extends LiveSessions {
  readonly parseToken: TokenParser;
  readonly unconfirmed: UnconfirmedTokens;

  constructor(settings: Settings, store: SessionStore, events: Events) {
    super(settings, store, events);
    this.parseToken = tokenParser(settings);
    this.unconfirmed = new UnconfirmedTokens(settings.clock);
  }

  /**
   * Opens the session that a token belongs to. Reads the row each time, also when the session is live here
   * already. Errors: those of {@link Session.read}, `SESSION_CLOSED`.
   */
  async open(token: PresentedToken): Promise<Opened> {
    const opened = await this.openQuietly(token);
    this.emitRefused(opened, token.sessionId);
    return opened;
  }

  /** The same, but that it does not tell of a token that opens nothing: {@link emitRefused} does. */
  openQuietly(token: PresentedToken): Promise<Opened> {
    const open = () => this.#openByToken(token);
    return this.facts.open.measure(open, toTokenOpen);
  }

  async #openByToken(token: PresentedToken): Promise<Opened> {
    const { sessionId, secretHash } = token;
    let standing: Standing = "none";
    const judge = (row: SessionRow): RowStanding => {
      standing = standingOf(row, secretHash, this.unconfirmed);
      if (standing === "none") return this.#mayBeNewer(token) ? "unknown" : "replaced";
      return standing === "previous" ? "replaced" : "open";
    };
    let opened = await this.#openRow(sessionId, judge);
    if (opened.found === "nothing" && opened.missing && (await this.adopt(token)))
      opened = await this.#openRow(sessionId, judge, { mayBeNew: token.isLegacy === true });
    if (opened.found === "session") {
      const { session } = opened;
      // Its client has it, whether or not we heard so when it was sent.
      if ((standing as Standing) === "current" || (await this.#promote(session, secretHash))) {
        this.touchIfDue(session);
        return opened;
      }
      opened = { found: "nothing", missing: false, isTold: true };
    }
    const wasGood = (standing as Standing) === "previous" || this.unconfirmed.has(secretHash);
    return wasGood && opened.found === "nothing" ? { ...opened, isRetired: true } : opened;
  }

  /**
   * Whether a secret that the row does not know may be one that another node has made since. A credential
   * from elsewhere opened its session first of all, and one that was sent from here is known to be over.
   */
  #mayBeNewer(token: PresentedToken): boolean {
    return !isOpaque(token) && !this.unconfirmed.has(token.secretHash);
  }

  /** Says that a token was presented that opens nothing. */
  emitRefused(opened: Opened, sessionId: string): void {
    if (opened.found === "expired") return this.emitInvalid("expired", sessionId);
    if (opened.found !== "nothing" || opened.isTold) return;
    if (opened.isRetired) this.log.warn({ sessionId }, "a token was presented that a newer one has replaced");
    this.emitInvalid(opened.isRetired ? "retired" : "unknown", sessionId);
  }

  /**
   * Verifies a session that the caller holds, now. Answers `false` where it is not known, or something else
   * of it is under way: it has to be opened in full, in its turn.
   */
  verifyNow(session: Session, verifier: Verifier): boolean {
    if (this.isClosed || !session.isKnown || !session.turns.begin()) return false;
    this.store.sendVerification(new Verification(session, verifier));
    return true;
  }

  /**
   * The same for who can wait for the session's turn, with a promise. `onBegin` is called when the turn has
   * come. Errors: a `StoreFault`, `SESSION_CLOSED`.
   */
  verifyInTurn(session: Session, onBegin: () => void): Promise<boolean> {
    if (this.isClosed) return Promise.reject(session.error("SESSION_CLOSED"));
    return verifyInTurn(session, () => {
      onBegin();
      return this.store.loadRevision(session.id);
    });
  }

  /** Answers whether it is the session's secret now; where it is not, another has been quicker. */
  async #promote(session: Session, secretHash: Uint8Array): Promise<boolean> {
    try {
      await promotePresented(session, secretHash, this.unconfirmed);
      return true;
    } catch (error) {
      this.release(session);
      if (error instanceof SessionError && isOrdinary(error.code)) return false;
      throw error;
    }
  }

  /**
   * Opens a session by its id alone, for a caller that has other proof, which `judge` compares with the row;
   * there has been one, as the caller knows.
   */
  async reopen(sessionId: string, judge: (row: SessionRow) => RowStanding): Promise<Opened> {
    const open = () => this.#openRow(sessionId, judge, { isExpected: true });
    const opened = await this.facts.open.measure(open, toRecoveryOpen);
    if (opened.found === "session") this.touchIfDue(opened.session);
    return opened;
  }

  /** Finds a session by its id, without that counting as use. The caller holds it. */
  async find(sessionId: string): Promise<Session | undefined> {
    checkId(sessionId);
    const opened = await this.#openRow(sessionId, () => "open");
    return opened.found === "session" ? opened.session : undefined;
  }

  /**
   * Looks again, for two seconds, where what the row shows may be older than what the caller has. Not in the
   * session's turn: anybody may present made-up secrets for a session whose id they know.
   */
  async #openRow(
    sessionId: string,
    judge: (row: SessionRow) => RowStanding,
    { isExpected = false, mayBeNew = false }: Look = {},
  ): Promise<Opened> {
    const deadline = this.clock.now() + this.storeTimeoutMs;
    let isInDoubt = false;
    const look = async () => {
      isInDoubt = false;
      const opened = await this.#lookAtRow(sessionId, { isExpected, deadline }, (row) => {
        const standing = judge(row);
        // What has expired opens nothing, whoever has it.
        isInDoubt = standing === "unknown" && row.data !== null;
        return standing === "open";
      });
      isInDoubt ||= mayBeNew && opened.found === "nothing" && opened.missing;
      return opened;
    };
    const opened = await look();
    if (!isInDoubt) return opened;
    return this.lateReads.limitUnknown(() => reread(this.clock, look, () => !isInDoubt));
  }

  async #lookAtRow(
    sessionId: string,
    options: { isExpected: boolean; deadline: number },
    isAllowed: (row: SessionRow) => boolean,
  ): Promise<Opened> {
    this.throwIfClosed();
    // Registered, and held, before its row is read: whatever happens to the session meanwhile finds it.
    const session = this.acquire(sessionId);
    let opened: Opened = { found: "nothing", missing: false };
    try {
      const row = await session.read(options);
      if (!row) opened = { found: "nothing", missing: true };
      else if (isAllowed(row)) {
        if (row.data === null) opened = { found: "expired" };
        else if (!session.ended) opened = { found: "session", session };
      }
    } catch (error) {
      if (!(error instanceof SessionError) || error.code !== "SESSION_DATA_INVALID") throw error;
      // The row stays as it is for somebody to mend; the client gets a fresh session rather than none.
      this.reportError(error);
    } finally {
      if (opened.found !== "session") this.release(session);
    }
    return opened;
  }

  /** Says that a token was presented that opens nothing. */
  emitInvalid(reason: SessionInvalidEvent["reason"], sessionId?: string): void {
    if (reason === "malformed") this.facts.open.tell({ kind: "token", outcome: reason, durationMs: 0 });
    this.events.emit("sessionInvalid", { reason, ...(sessionId && { sessionId }) });
  }

  /**
   * Creates a session and its token. Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`,
   * `SESSION_CLOSED`.
   */
  async mint(client: ClientDescription | null): Promise<Minted> {
    this.throwIfClosed();
    const insert = () => insertNewRow(this.store, client, this.#inserter);
    const { row, token } = await this.track(() => this.facts.mint.measure(insert, toMintFact));
    const session = this.acquire(token.sessionId);
    session.begin(row);
    this.events.emit("sessionStart", { sessionId: session.id, client });
    return { session, token };
  }

  get #inserter(): Inserter {
    const { clock, facts, processId } = this;
    return { clock, facts, processId, deadline: clock.now() + this.storeTimeoutMs };
  }

  /**
   * Creates a session for a token that was made elsewhere, and opens it. Where there is one already, opens
   * that, if it may: `isNew` is `false` then, and it holds nothing of `first`. Errors: as {@link mint};
   * `SESSION_WRITE_UNCERTAIN` where it has, or may have, made one.
   */
  async mintFor(token: PresentedToken, first: FirstFacts): Promise<Opened & { isNew: boolean }> {
    this.throwIfClosed();
    const { sessionId, secretHash } = token;
    const insert = () => insertRow(this.store, token, first, this.#inserter);
    const { row, isInserted: isNew } = await this.track(() => this.facts.mint.measure(insert, toMintFact));
    if (isNew) this.recentRows.forget(sessionId);
    if (isNew) this.events.emit("sessionStart", { sessionId, client: first.client });
    if (!isNew || !row || this.findLive(sessionId)) {
      // Somebody may be reading it: what that comes to must not be taken for its end, so this look waits for
      // its turn. There is a row: the INSERT has met it.
      const judge = (found: SessionRow) => (isSameHash(found.secretHash, secretHash) ? "open" : "replaced");
      try {
        const opened = await this.reopen(sessionId, judge);
        return { ...opened, isNew };
      } catch (error) {
        // What else went wrong, its caller is not to take for "nothing was written".
        if (isNew) throw new SessionError("SESSION_WRITE_UNCERTAIN", undefined, { sessionId, cause: error });
        throw error;
      }
    }
    const session = this.acquire(sessionId);
    session.begin(row);
    return { found: "session", session, isNew };
  }

  /**
   * Ends a session, live here or not: deletes its row, and every process that has it open learns of it.
   * Errors: `SESSION_ID_INVALID`, `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_CLOSED`.
   */
  async destroy(sessionId: string, reason: EndReason = "destroyed"): Promise<void> {
    checkId(sessionId);
    this.throwIfClosed();
    const session = this.acquire(sessionId);
    try {
      // Whose it was, and whether it is there still; where that cannot be found out, the DELETE says why.
      if (this.events.hasListeners("revoke")) await session.read().catch(() => {});
      await session.destroy(reason);
    } finally {
      this.release(session);
    }
  }
}
