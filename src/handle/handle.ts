import { SessionError, type SessionErrorCode, toSessionError } from "../errors.js";
import type { SessionRegistry } from "../registry/registry.js";
import { allOrNothing, type Edit, setEntries, toEntries } from "../session/edits.js";
import { toUserId } from "../session/ids.js";
import type { Session } from "../session/session.js";
import { checkKey } from "../session/values.js";
import type { UnixSeconds } from "../store.js";
import type { Credential } from "../token/credential.js";
import type { SessionDraft, SessionKey, SessionValue, SessionValues } from "../types.js";
import type { ClientDescription } from "../wire.js";
import { applyUpdate, type DraftObject } from "./draft.js";
import { runHeld, sendHeld } from "./held-session.js";
import { logIn } from "./login.js";
import { type LogoutOptions, logOut } from "./logout.js";
import { Readiness } from "./readiness.js";
import { type Bearer, rotate } from "./rotation.js";
import { type RotationKind, type RunRotation, tellRotation } from "./told-rotation.js";

/**
 * What one socket or request sees of its session: `socket.session`, `req.session`, `ctx.session`, or what
 * `sessions.find(id)` gives. It stays with its session: when a socket switches to another one,
 * `socket.session` is a new handle, and whoever kept the old one still writes to the old session.
 *
 * Reading is synchronous, from memory. Each change resolves once it is durable, and rejects with a {@link
 * SessionError}: `SESSION_MISSING` (no session yet), `SESSION_ENDED`, `SESSION_VALUE_INVALID`,
 * `SESSION_TOO_LARGE`, `SESSION_DATA_INVALID`, `SESSION_QUEUE_FULL`, `SESSION_TOKEN_CHANGED`,
 * `SESSION_STORE_UNAVAILABLE`, `SESSION_STORE_FAILED`, `SESSION_WRITE_UNCERTAIN`. What was rejected is no
 * longer shown by `get`. A rejection that nobody waits for is logged, and never ends the process.
 */
export class SessionHandle {
  readonly #registry: SessionRegistry;
  #session: Session | undefined;
  /** Absent on handles of the application's own, which need no token. */
  #bearer: Bearer | undefined;
  #ready: Readiness | undefined;

  /** @internal */
  constructor(registry: SessionRegistry) {
    this.#registry = registry;
  }

  /** Binds a handle to its session, once; for a socket with the client behind it. @internal */
  static bind(handle: SessionHandle, session: Session, bearer?: Bearer): void {
    handle.#session = session;
    handle.#bearer = bearer;
    handle.#ready?.resolve();
  }

  /** Says that there will be no session. @internal */
  static miss(handle: SessionHandle): void {
    if (handle.#session) return;
    handle.#ready ??= new Readiness();
    handle.#ready.reject(new SessionError("SESSION_MISSING", "the socket has gone"));
  }

  /** The session behind a handle. @internal */
  static sessionOf(handle: SessionHandle): Session | undefined {
    return handle.#session;
  }

  /** By which right a handle has its session; `undefined` for the application's own. @internal */
  static credentialOf(handle: SessionHandle): Credential | undefined {
    return handle.#credential;
  }

  /**
   * The session, as long as this handle has part in it: the token that it came with may have been replaced
   * since, in what is shown too, where that is on its way to the row.
   */
  get #open(): Session | undefined {
    const session = this.#session;
    return session && this.#bearer?.credential.canOpen(session.values.compactIdentity) !== false
      ? session
      : undefined;
  }

  get #credential(): Credential | undefined {
    return this.#bearer?.credential;
  }

  /** Public id of the session: 32 hex digits, fit for logs; `undefined` while there is no session. */
  get id(): string | undefined {
    return this.#open?.id;
  }

  /** Whether there is a session, as far as this process knows, that has not ended. */
  get active(): boolean {
    const session = this.#open;
    return session !== undefined && !session.ended;
  }

  /**
   * Resolves when this handle has a session: at once in most cases, after `getToken` for clients that ask for
   * it later. Rejects with `SESSION_MISSING` when the socket goes without ever having had one.
   */
  get ready(): Promise<void> {
    if (this.#session) return Promise.resolve();
    this.#ready ??= new Readiness();
    return this.#ready.promise;
  }

  /** When the session was created, Unix seconds of the database's clock; 0 without a session. */
  get createdAt(): UnixSeconds {
    return this.#open?.row?.createdAt ?? 0;
  }

  /** Last known use of the session, Unix seconds; 0 without a session. Right to `touchEvery` seconds. */
  get visitedAt(): UnixSeconds {
    return this.#open?.row?.visitedAt ?? 0;
  }

  /**
   * Last use before this visit, Unix seconds; 0 on the first. A visit begins after 30 minutes without use.
   */
  get previousVisitAt(): UnixSeconds {
    return this.#open?.row?.previousVisitAt ?? 0;
  }

  /** When the session ends unless it is used, Unix seconds; 0 without a session. */
  get expiresAt(): UnixSeconds {
    return this.#open?.row?.expires ?? 0;
  }

  /**
   * What the client said of itself when the session began; `null` if nothing. Anybody can claim anything
   * there.
   */
  get client(): ClientDescription | null {
    const client = this.#open?.row?.client;
    return client ? { ...client } : null;
  }

  /**
   * The value under `key`, a copy that is yours to change. Missing: `""`, as the old package had it, or
   * `fallback` if given (`get(key, undefined)` gives `undefined`).
   *
   * @example
   * const cart = socket.session.get("cart");
   * if (cart !== "") showCart(cart);
   */
  get<Key extends SessionKey>(key: Key): SessionValue<Key> | "";
  get<Key extends SessionKey, Fallback>(key: Key, fallback: Fallback): SessionValue<Key> | Fallback;
  get(key: string, ...rest: unknown[]): unknown {
    checkKey(key);
    const value = this.#open?.values.get(key);
    if (value !== undefined) return value;
    return rest.length > 0 ? rest[0] : "";
  }

  /** Whether there is a value under `key`. */
  has(key: SessionKey): boolean {
    checkKey(key);
    return this.#open?.values.has(key) ?? false;
  }

  /** All values, as a plain object of copies. */
  toJSON(): Partial<SessionValues> {
    return (this.#open?.values.toJSON() ?? {}) as Partial<SessionValues>;
  }

  /**
   * Sets one value, or several at once (all or none). Values are kept as JSON; `undefined` deletes. Calls
   * made together go to the database together.
   *
   * @example
   * await socket.session.set("theme", "dark");
   * await socket.session.set({ theme: "dark", cart: [] });
   */
  set<Key extends SessionKey>(key: Key, value: SessionValue<Key> | undefined): Promise<void>;
  set(values: SessionValues): Promise<void>;
  set(keyOrValues: SessionKey | SessionValues, value?: unknown): Promise<void> {
    return this.#write(() => setEntries(toEntries(keyOrValues, value)));
  }

  /** Deletes one value. */
  delete(key: SessionKey): Promise<void> {
    return this.#write(() => {
      checkKey(key);
      return setEntries([[key, undefined]]);
    });
  }

  /** Deletes all values. The session, its id and its token stay. */
  clearSession(): Promise<void> {
    return this.#write(() => allOrNothing((values) => values.clear()));
  }

  /**
   * Changes values by a function of what they are, for counters and the like: exact, also while other
   * sockets, processes and requests do the same. `fn` changes the draft that it is given. It must be
   * synchronous, and is run several times: at once, for what `get` shows; when it is written; and again, on
   * newer values, where somebody else has written meanwhile. So let it do nothing else. Resolves to what it
   * returned in the run that was saved. What it throws comes out here, and nothing is changed. Further
   * errors: `SESSION_UPDATE_FAILED` where it returns a promise.
   *
   * @example
   * const visits = await socket.session.update((draft) => (draft.visits = (draft.visits ?? 0) + 1));
   */
  update<Result>(fn: (draft: SessionDraft) => Result): Promise<Result> {
    let kept: { result: Result };
    return this.#change(async (session) => {
      if (typeof fn !== "function")
        throw new SessionError("SESSION_UPDATE_FAILED", "update() takes a function");
      await session.edit(
        applyUpdate(fn as (draft: DraftObject) => Result, (result) => {
          kept = { result };
        }),
        this.#credential,
      );
      return kept.result;
    }, "SESSION_UPDATE_FAILED");
  }

  /**
   * Reads the row now, so that `get` shows what others have written. It is otherwise noticed by itself, a
   * little later.
   */
  reload(): Promise<void> {
    return this.#change(async (session) => {
      const row = await session.read();
      if (!row || session.ended) throw session.error("SESSION_ENDED");
    });
  }

  /** Who is logged in; `""` when nobody is, or there is no session. */
  get userId(): string {
    return this.#open?.saved.compactIdentity.userId ?? "";
  }

  /**
   * Says who this session belongs to. First the client gets a new token, so that whoever held the one before
   * has no part in what follows; when the client has confirmed it, `userId` is set, in the write that makes
   * the new token the only one. Values stay: the cart goes along. Every other socket of the session is asked
   * for the new token, is `active` no more, and is disconnected if it has not presented it within 10 seconds.
   *
   * `userId`: 1 to 128 characters, no spaces at the ends; a whole number is taken as its digits. Errors:
   * `SESSION_USER_INVALID`; `SESSION_NOT_CONFIRMED` if the client has gone, does not confirm within 10
   * seconds of being sent the new token (4 while another client of the session waits), may hold one that
   * another server sent it, had no turn within 5 seconds, or a logout has begun since. Whatever it holds
   * still opens the session, and nobody has been logged in, so try again (clients that never confirm get the
   * new token in one step). `SESSION_TOKEN_CHANGED`; those of every change. With `maxPerUser` also
   * `SESSION_WRITE_UNCERTAIN` after a login that was written: older sessions may not have ended.
   */
  login(userId: string | number): Promise<void> {
    return this.#rotate("login", async (session, bearer) =>
      logIn(session, bearer, this.#registry, toUserId(userId)),
    );
  }

  /**
   * Ends the login: `userId` and all values are gone, the session stays, and all its sockets leave all rooms
   * but their own, and those named in `keepRooms`. Then the client gets a new token as with {@link login};
   * whether it confirms that, or the database takes it, changes nothing of the logout. Further errors:
   * `SESSION_OPTION_INVALID` where `keepRooms` is no list of up to 100 names.
   *
   * @example
   * await socket.session.logout({ keepRooms: ["lobby"] });
   */
  logout(options?: LogoutOptions): Promise<void> {
    return this.#rotate("logout", (session, bearer) => logOut(session, bearer, this.#registry, options));
  }

  /** A new token as with {@link login}, after any change of rights for example; everything else stays. */
  regenerate(): Promise<void> {
    return this.#rotate("regenerate", (session, bearer) => rotate(session, bearer, this.#registry));
  }

  #rotate(kind: RotationKind, run: RunRotation): Promise<void> {
    const { facts } = this.#registry;
    return this.#change((session) => tellRotation(facts, { kind, session, bearer: this.#bearer }, run));
  }

  /**
   * Ends the session: its row is deleted, changes that still wait are rejected with `SESSION_ENDED`, and all
   * its sockets, on every server, are told (`sessionEnd`) and disconnected. Destroying one that is over is no
   * error.
   */
  destroy(): Promise<void> {
    if (this.#session?.ended) return Promise.resolve();
    return this.#change((session) => session.destroy("destroyed", this.#credential));
  }

  /** What has to come first: of requests whose session is read when it is first asked for. @internal */
  protected loading(): Promise<void> | undefined {
    return undefined;
  }

  /** A change that is on its way when this returns: from then on the session keeps itself. */
  #write(make: () => Edit): Promise<void> {
    try {
      // With values as they are now, also where the session is still being read.
      const edit = make();
      const loading = this.loading();
      if (!loading) return this.#send(edit, { isReported: true });
      return this.watched(loading.then(() => this.#send(edit, { isReported: false })));
    } catch (error) {
      return this.watched(Promise.reject(error));
    }
  }

  #send(edit: Edit, options: { isReported: boolean }): Promise<void> {
    return sendHeld(this.#registry, this.#acquire(), edit, { by: this.#credential, ...options });
  }

  /** @internal */
  protected watched<Result>(result: Promise<Result>, otherwise?: SessionErrorCode): Promise<Result> {
    // Handled here, so that a promise nobody waits for is no unhandled rejection; who waits still sees it
    // rejected.
    result.catch((error: unknown) => this.#registry.reportError(toSessionError(error, otherwise, this.id)));
    return result;
  }

  /** The session, held for the caller. */
  #acquire(): Session {
    if (!this.#session) throw new SessionError("SESSION_MISSING");
    if (!this.#open && !this.#session.ended) throw this.#session.error("SESSION_TOKEN_CHANGED");
    this.#session = this.#registry.acquireForChange(this.#session);
    return this.#session;
  }

  #change<Result>(run: (session: Session) => Promise<Result>, otherwise?: SessionErrorCode): Promise<Result> {
    return this.watched(this.#run(run), otherwise);
  }

  async #run<Result>(run: (session: Session) => Promise<Result>): Promise<Result> {
    const loading = this.loading();
    if (loading) await loading;
    return runHeld(this.#registry, () => this.#acquire(), run);
  }
}
