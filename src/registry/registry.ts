import { isOrdinary, SessionError } from "../errors.js";
import type { Settings } from "../options.js";
import { checkId } from "../session/ids.js";
import { promotePresented, type Standing, standingOf } from "../session/secret.js";
import type { Session } from "../session/session.js";
import { Verification, type Verifier, verifyInTurn } from "../session/verification.js";
import type { SessionRow, SessionStore } from "../store.js";
import { isSameHash } from "../token/hash.js";
import { type TokenParser, tokenParser } from "../token/legacy.js";
import type { PresentedToken } from "../token/token.js";
import { UnconfirmedTokens } from "../token/unconfirmed-tokens.js";
import type { ClientDescription, EndReason } from "../wire.js";
import type { Events, SessionInvalidEvent } from "./events.js";
import { LiveSessions } from "./live-sessions.js";
import { type FirstFacts, type Inserter, insertNewRow, insertRow } from "./mint.js";

/** What became of a token that was presented. */
export type Opened =
  | { found: "session"; session: Session }
  /**
   * `missing`: there is no row; otherwise there is one that this caller may not have, or whose values cannot
   * be read. `isRetired`: a newer token has replaced this one.
   */
  | { found: "nothing"; missing: boolean; isRetired?: boolean; isTold?: boolean }
  | { found: "expired" };

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
  async openQuietly(token: PresentedToken): Promise<Opened> {
    const { sessionId, secretHash } = token;
    let standing: Standing = "none";
    const isAllowed = (row: SessionRow) => {
      standing = standingOf(row, secretHash, this.unconfirmed);
      return standing === "current" || standing === "next";
    };
    let opened = await this.#openRow(sessionId, isAllowed);
    if (opened.found === "nothing" && opened.missing && (await this.adopt(token)))
      opened = await this.#openRow(sessionId, isAllowed);
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
   * Opens a session by its id alone, for a caller that has other proof, which `isAllowed` checks against the
   * row. With `isExpected` it is known that there has been a row: one missing read is not gone.
   */
  async reopen(
    sessionId: string,
    isAllowed: (row: SessionRow) => boolean,
    options: { isExpected?: boolean } = {},
  ): Promise<Opened> {
    const opened = await this.#openRow(sessionId, isAllowed, options);
    if (opened.found === "session") this.touchIfDue(opened.session);
    return opened;
  }

  /** Finds a session by its id, without that counting as use. The caller holds it. */
  async find(sessionId: string): Promise<Session | undefined> {
    checkId(sessionId);
    const opened = await this.#openRow(sessionId, () => true);
    return opened.found === "session" ? opened.session : undefined;
  }

  async #openRow(
    sessionId: string,
    isAllowed: (row: SessionRow) => boolean,
    options: { isExpected?: boolean } = {},
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
    this.events.emit("sessionInvalid", { reason, ...(sessionId && { sessionId }) });
  }

  /**
   * Creates a session and its token. Errors: `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`,
   * `SESSION_CLOSED`.
   */
  async mint(client: ClientDescription | null): Promise<Minted> {
    this.throwIfClosed();
    const { row, token } = await this.track(() => insertNewRow(this.store, client, this.#inserter));
    const session = this.acquire(token.sessionId);
    session.begin(row);
    this.events.emit("sessionStart", { sessionId: session.id, client });
    return { session, token };
  }

  get #inserter(): Inserter {
    const { clock, processId } = this;
    return { clock, processId, deadline: clock.now() + this.storeTimeoutMs };
  }

  /**
   * Creates a session for a token that was made elsewhere, and opens it. Where there is one already, opens
   * that, if it may: `isNew` is `false` then, and it holds nothing of `first`. Errors: as {@link mint};
   * `SESSION_WRITE_UNCERTAIN` where it has, or may have, made one.
   */
  async mintFor(token: PresentedToken, first: FirstFacts): Promise<Opened & { isNew: boolean }> {
    this.throwIfClosed();
    const { sessionId, secretHash } = token;
    const { row, isInserted: isNew } = await this.track(() =>
      insertRow(this.store, token, first, this.#inserter),
    );
    if (isNew) this.recentRows.forget(sessionId);
    if (isNew) this.events.emit("sessionStart", { sessionId, client: first.client });
    if (!isNew || !row || this.findLive(sessionId)) {
      // Somebody may be reading it: what that comes to must not be taken for its end, so this look waits for
      // its turn. There is a row: the INSERT has met it.
      const isOwn = (found: SessionRow) => isSameHash(found.secretHash, secretHash);
      try {
        const opened = await this.reopen(sessionId, isOwn, { isExpected: true });
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
      await session.destroy(reason);
    } finally {
      this.release(session);
    }
  }
}
