import type { TokenSessions } from "../api.js";
import { TurnsByKey } from "../base/turns-by-key.js";
import { SessionError, toSessionError } from "../errors.js";
import { destroyPages } from "../registry/destroy-all.js";
import type { Opened, SessionRegistry } from "../registry/registry.js";
import { registryOf } from "../registry/registry-of.js";
import { unexpiredRows } from "../registry/unexpired-rows.js";
import type { Session } from "../session/session.js";
import { Values } from "../session/values.js";
import type { Seconds, UnixSeconds } from "../store.js";
import { Credential } from "../token/credential.js";
import { opaqueToken } from "../token/opaque.js";
import type { PresentedToken } from "../token/token.js";
import type { Content } from "./cookie-content.js";

/** For a new session whose id others use at the same moment. */
const MOST_TRIES = 4;

type Minted = Opened & { readonly isNew: boolean };

/** What is known of a row by whoever read it or saved it last. */
interface Known {
  readonly cookieId: string;
  readonly session: Session;
  readonly content: Content;
}

/** A session as it was read for a request. */
export interface CookieRow {
  /** A fresh object that is the caller's. */
  readonly values: Record<string, unknown>;
  /** The same as JSON texts. */
  readonly texts: ReadonlyMap<string, string>;
  /** The library's own entry; `undefined` where there is none. */
  readonly entry: unknown;
  readonly idleSeconds: Seconds | null;
  readonly expires: UnixSeconds;
  /** Remembers what `holder` was given of the row: what it is saved with later is compared with that. */
  remember(holder: object, content: Content): void;
}

/**
 * The rows of sessions that a cookie's session id opens, for the session libraries of HTTP. The id is an
 * opaque token: the table has hashes of it alone. Each request saves what it has changed since its own read,
 * and nothing else, so requests and sockets that run at once keep each other's values.
 */
export class CookieRows {
  readonly registry: SessionRegistry;
  readonly #known = new WeakMap<object, Known>();
  /** Holders that wanted to end a session which was over by then: nothing of it is saved under another id. */
  readonly #ended = new WeakSet<object>();
  /** Saves of one holder, one after the other: each is compared with what the one before has saved. */
  readonly #saves = new TurnsByKey<object>(new WeakMap());
  /** First saves of one id, one after the other: each makes room where a session of this id is over. */
  readonly #firstSaves = new TurnsByKey<string>();

  /** Throws `SESSION_OPTION_INVALID` for what is no token sessions; `name` is the store's. */
  constructor(sessions: TokenSessions, name: string) {
    const registry = typeof sessions === "function" ? registryOf(sessions) : undefined;
    if (!registry)
      throw new SessionError("SESSION_OPTION_INVALID", `new ${name}() takes what tokenSession() gave`);
    this.registry = registry;
  }

  /** Reads a row; `undefined` where there is none, or it has expired, or another secret opens it now. */
  async read(cookieId: string): Promise<CookieRow | undefined> {
    const session = await this.#open(cookieId);
    const row = session?.row;
    if (!session || !row) return undefined;
    // Not what waits to be written: where that fails, the caller would have been given something that has
    // never been in the row.
    const { saved: values } = session;
    return {
      values: values.toJSON(),
      texts: new Map(Array.from(values.keys(), (key) => [key, values.text(key) as string])),
      entry: entryIn(values),
      idleSeconds: values.idleSeconds,
      expires: row.expires,
      remember: (holder, content) => this.#known.set(holder, { cookieId, session, content }),
    };
  }

  /**
   * Lets `holder` stand for what `other` was given, as far as `keeps` says that it has taken the value over.
   */
  inherit(holder: object, other: object, keeps: (key: string) => boolean): void {
    const known = this.#known.get(other);
    if (!known) return;
    const texts = new Map([...known.content.texts].filter(([key]) => keeps(key)));
    this.#known.set(holder, { ...known, content: { ...known.content, texts } });
  }

  /**
   * Saves what of a content is other than what `holder` was given: keys that are missing are deleted, others'
   * keys stay. Of a holder that was given nothing it makes a new session, or, where that is there already,
   * sets all of the content and deletes nothing: nobody knows what it was made from. Where the session is
   * over, nothing is written, and that is no error. `take` is asked at once. Errors: as of every change.
   */
  save(holder: object, cookieId: string, take: () => Content): Promise<void> {
    return this.#change(holder, take, async (content) => {
      if (this.#ended.has(holder)) return;
      const known = this.#findKnown(holder, cookieId);
      const now = known ? await this.#saveChanges(known, content) : await this.#saveFirst(cookieId, content);
      if (now) this.#known.set(holder, now);
    });
  }

  /**
   * Saves the library's own entry if it has changed, and that the session is in use. Errors: as of every
   * change.
   */
  touch(holder: object, cookieId: string, take: () => Omit<Content, "texts">): Promise<void> {
    return this.#change(holder, take, async (content) => {
      const known = this.#findKnown(holder, cookieId);
      if (known) {
        const now = await this.#saveChanges(known, { ...content, texts: known.content.texts });
        if (now) this.#known.set(holder, now);
        return;
      }
      const session = await this.#open(cookieId);
      if (session && session.values.reserved !== content.entry)
        await this.#edit(cookieId, session, (values) => setEntry(values, content));
    });
  }

  #findKnown(holder: object, cookieId: string): Known | undefined {
    const known = this.#known.get(holder);
    return known?.cookieId === cookieId ? known : undefined;
  }

  async #change<What>(holder: object, take: () => What, run: (what: What) => Promise<void>): Promise<void> {
    try {
      const what = take();
      await this.#saves.run(holder, () => run(what));
    } catch (error) {
      // The request may not be waiting: `req.session.save()` without a callback.
      this.registry.reportError(toSessionError(error));
      throw error;
    }
  }

  /**
   * Ends the session that this id opens, and that `holder` was given: row gone, its sockets told and
   * disconnected.
   */
  async destroy(cookieId: string, holder?: object): Promise<void> {
    const { registry } = this;
    const token = opaqueToken(cookieId);
    const { sessionId, secretHash } = token;
    registry.throwIfClosed();
    if (holder && this.#findKnown(holder, cookieId) && !(await this.#open(cookieId))) this.#ended.add(holder);
    // One that was never read here would be taken over by whoever comes with its id next.
    await registry.adopt(token);
    const session = registry.acquire(sessionId);
    try {
      // By the right of this id: one that a newer secret has replaced ends nothing.
      await session.destroy("destroyed", new Credential(secretHash));
    } catch (error) {
      if (!isOver(error)) throw error;
    } finally {
      registry.release(session);
    }
  }

  /**
   * Ends all unexpired sessions, page by page; each is told to its sockets. Errors: as of {@link
   * destroyPages}.
   */
  clear(): Promise<void> {
    return destroyPages(this.registry, unexpiredRows(this.registry, { values: false }));
  }

  async #open(cookieId: string): Promise<Session | undefined> {
    const opened = await this.registry.open(opaqueToken(cookieId));
    if (opened.found !== "session") return undefined;
    // Held again for each change.
    this.registry.release(opened.session);
    return opened.session;
  }

  async #saveFirst(cookieId: string, content: Content): Promise<Known | undefined> {
    const token = opaqueToken(cookieId);
    const minted = await this.#firstSaves.run(token.sessionId, () => this.#mint(token, content));
    if (isIdTaken(minted)) throw new SessionError("SESSION_STORE_FAILED", "the session's id is taken");
    if (minted.found === "nothing" && !minted.missing)
      throw new SessionError("SESSION_TOKEN_CHANGED", undefined, { sessionId: token.sessionId });
    // Over as soon as it was made.
    if (minted.found !== "session") return undefined;
    const { session, isNew } = minted;
    this.registry.release(session);
    if (isNew) return { cookieId, session, content };
    const edited = await this.#edit(cookieId, session, (values) => setAll(values, content));
    return edited && { cookieId, session: edited, content };
  }

  async #mint(token: PresentedToken, content: Content): Promise<Minted> {
    const first = Values.empty();
    setAll(first, content);
    this.#checkSize(first);
    const { idleSeconds = null } = content;
    const facts = { client: null, data: first.toText(), idleSeconds };
    for (let tries = 1; ; tries++) {
      const minted = await this.registry.mintFor(token, facts);
      if (tries === MOST_TRIES || !isIdTaken(minted)) return minted;
      // An id that is used again (`genid`): the row of the session that is over stands there still, or did a
      // moment ago.
      if (minted.found === "expired") await this.registry.destroy(token.sessionId, "expired");
    }
  }

  async #saveChanges(
    { cookieId, session, content: before }: Known,
    given: Content,
  ): Promise<Known | undefined> {
    const content = given.entry === undefined ? { ...before, texts: given.texts } : given;
    const { texts } = content;
    const gone = [...before.texts.keys()].filter((key) => !texts.has(key));
    const changed = [...texts].filter(([key, text]) => before.texts.get(key) !== text);
    const isEntryNew = content.mark !== before.mark;
    const { mergeEntry } = content;
    if (gone.length === 0 && changed.length === 0 && !isEntryNew && !mergeEntry) {
      this.registry.touchIfDue(session);
      return { cookieId, session, content };
    }
    const edited = await this.#edit(cookieId, session, (values) => {
      for (const key of gone) values.delete(key);
      for (const [key, text] of changed) values.set(key, text);
      if (isEntryNew) setEntry(values, content);
      else if (mergeEntry) values.reserved = JSON.stringify(mergeEntry(entryIn(values)));
    });
    if (!edited) return undefined;
    // Long after it was read, perhaps: the browser's cookie lasts from now on, and so must the row.
    this.registry.touchIfDue(edited);
    return { cookieId, session: edited, content };
  }

  /** Changes a session that is still there; answers it, or `undefined` where it is over. */
  async #edit(
    cookieId: string,
    known: Session,
    apply: (values: Values) => void,
  ): Promise<Session | undefined> {
    const { registry } = this;
    try {
      const session = registry.acquireForChange(known);
      try {
        await session.edit(apply, new Credential(opaqueToken(cookieId).secretHash));
      } finally {
        registry.release(session);
      }
      return session;
    } catch (error) {
      if (isOver(error)) return undefined;
      throw error;
    }
  }

  #checkSize({ bytes }: Values): void {
    const { maxBytes } = this.registry;
    if (bytes > maxBytes)
      throw new SessionError("SESSION_TOO_LARGE", `${bytes} bytes, the limit is ${maxBytes}`);
  }
}

/** No session was made, and none is there. */
function isIdTaken(minted: Minted): boolean {
  return !minted.isNew && (minted.found === "expired" || (minted.found === "nothing" && minted.missing));
}

function entryIn({ reserved }: Values): unknown {
  return reserved === undefined ? undefined : JSON.parse(reserved);
}

function setAll(values: Values, content: Content): void {
  for (const [key, text] of content.texts) values.set(key, text);
  setEntry(values, content);
}

function setEntry(values: Values, { entry, idleSeconds = null }: Omit<Content, "texts">): void {
  if (entry === undefined) return;
  values.reserved = entry;
  values.idleSeconds = idleSeconds;
}

/**
 * The session has ended, or another secret opens it now: to a request that comes with its old id it is gone.
 */
function isOver(error: unknown): boolean {
  return (
    error instanceof SessionError &&
    (error.code === "SESSION_ENDED" || error.code === "SESSION_TOKEN_CHANGED")
  );
}
