import type { Socket } from "socket.io";
import { SessionError } from "../errors.js";
import { storeError } from "../gateway/retry.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { SessionRow } from "../store.js";
import type { HashText } from "../token/identity.js";
import { opaqueToken } from "../token/opaque.js";
import type { ReplacedTokens } from "../token/replaced-tokens.js";
import { parseStandIn, standInFor, Ticket, type Tickets } from "../token/tickets.js";
import { type PresentedToken, parseToken } from "../token/token.js";
import type { ClientDescription, EndReason, GotToken, GotTokenErrors } from "../wire.js";
import type { AttachmentContext } from "./context.js";
import { toClientDescription } from "./description.js";
import { hideTokenCookies } from "./handshake-cookies.js";
import { isProvenBy, noteOfRecovered, type RecoveryNote } from "./recovery-note.js";

/** Characters of a credential from elsewhere: a shorter one could be guessed. */
const MIN_CREDENTIAL_LENGTH = 16;

/**
 * A wish to open a session: by a token that was presented, by the note of a socket that Socket.IO recovered, or by a credential that the
 * application finds in the handshake.
 */
export type Request =
  | TokenRequest
  | { readonly kind: "recovery"; readonly note: RecoveryNote }
  | { readonly kind: "credential" };

export interface TokenRequest {
  readonly kind: "token";
  /** Whatever the client sent in place of a token; of a ticket, the token in it. */
  readonly presented: unknown;
  /** Acknowledgements to be answered with what `gotToken` says. */
  acknowledge: ((message: GotToken) => void)[];
}

/** What our client says in the handshake besides the token. */
export interface ClientFacts {
  /** It acknowledges a new token once it has stored it. */
  readonly confirms: boolean;
  readonly client: ClientDescription | null;
  /**
   * Its token is in a cookie: what it sends and is sent are stand-ins and tickets. The hash of the secret in that cookie, as of the last ticket;
   * `""` where that is not known.
   */
  readonly cookie: HashText | undefined;
}

export const NO_FACTS: ClientFacts = { confirms: false, client: null, cookie: undefined };
const CONFIRMS: ClientFacts = { confirms: true, client: null, cookie: undefined };
/** A recovered socket of a page whose token is in a cookie. */
const BY_TICKET: ClientFacts = { confirms: false, client: null, cookie: "" };

/** What most clients say is one object for all of them. */
function sharedFacts({ confirms, client, cookie }: ClientFacts): ClientFacts {
  if (client || cookie !== undefined) return { confirms, client, cookie };
  return confirms ? CONFIRMS : NO_FACTS;
}

/** What came of a request. The registry holds `session` for the caller. */
export interface OpeningResult {
  readonly session?: Session;
  readonly token?: PresentedToken;
  /** Absent where the client asked for nothing. */
  readonly message?: GotToken;
  /** Why the session of a recovered socket is over. */
  readonly endReason?: EndReason;
  /** The session of a recovered socket, where another token has taken the place of the one that it had. */
  readonly replaced?: string;
  /** By a credential that this socket cannot be given another for: a cookie's. */
  readonly isFixed?: true;
  /** The token was that of before: the client is to present the one that it has by then, a little later. */
  readonly again?: true;
}

/** A ticket that opens nothing, because it is too old mostly: the client has better ones to get. */
const STALE = Symbol("stale ticket");

/** Takes a ticket for the token in it, where it seems good: where not, {@link checkTicket} decides. */
function unseal(presented: unknown, tickets: Tickets | undefined): { presented: unknown; cookie?: HashText } {
  const standIn = tickets && parseStandIn(presented);
  // Without a ticket, what the page of a socket with a credential was told.
  if (!standIn || (standIn.sessionId && !standIn.sealed)) return { presented };
  const ticket = tickets.open("present", standIn);
  if (!ticket) return { presented: STALE };
  const { token, boundTo } = ticket.content;
  return { presented: tickets.seemsGood(ticket) ? token : ticket, cookie: boundTo };
}

/** A request with a ticket that seemed too old, once the store has told the time. Rejects with a `SessionError` where it cannot. */
export async function checkTicket(request: Request, tickets: Tickets | undefined): Promise<Request> {
  if (request.kind !== "token" || !(request.presented instanceof Ticket)) return request;
  const ticket = request.presented;
  const isGood = await tickets?.isGood(ticket).catch((error: unknown) => {
    throw storeError(error);
  });
  return { ...request, presented: isGood ? ticket.content.token : STALE };
}

/** Takes the token out of the handshake, which Socket.IO ships to other nodes (`fetchSockets`). */
export function takeHandshake(
  socket: Socket,
  { tickets, handshakeCredential }: AttachmentContext,
): { request: Request | undefined; facts: ClientFacts } {
  // Done when the socket was made, unless Socket.IO lacks the place for it.
  hideTokenCookies(socket);
  const auth: unknown = socket.handshake.auth;
  if (typeof auth === "object" && auth !== null && Object.hasOwn(auth, "token")) {
    const said = auth as Record<string, unknown>;
    const { presented, cookie } = unseal(said["token"], tickets);
    delete said["token"];
    const facts = sharedFacts({
      confirms: said["confirm"] === true,
      client: toClientDescription(said["client"]),
      cookie: cookie ?? (presented === STALE ? "" : undefined),
    });
    return { request: { kind: "token", presented, acknowledge: [] }, facts };
  }
  const note = noteOfRecovered(socket);
  if (note) return { request: { kind: "recovery", note }, facts: note.byTicket ? BY_TICKET : NO_FACTS };
  return { request: handshakeCredential && { kind: "credential" }, facts: NO_FACTS };
}

/** Reads `getToken`, from a client of which `known` is known. */
export function readGetToken(
  event: readonly unknown[],
  known: ClientFacts,
  tickets: Tickets | undefined,
): { request: TokenRequest; facts: ClientFacts } {
  const last = event.at(-1);
  const acknowledge = typeof last === "function" ? [last as (message: GotToken) => void] : [];
  const content = (typeof event[1] === "object" && event[1] !== null ? event[1] : {}) as Record<
    string,
    unknown
  >;
  // Whoever came upon a connected socket could say nothing in the handshake.
  const { presented, cookie } = unseal(content["token"], tickets);
  const facts = sharedFacts({
    confirms: known.confirms || content["confirm"] === true,
    client: known.client ?? toClientDescription(content["client"]),
    // For good: the answer to a ticket may still be on its way, and must not be the token itself.
    cookie: cookie ?? known.cookie ?? (presented === STALE ? "" : undefined),
  });
  return { request: { kind: "token", presented, acknowledge }, facts };
}

/** For whom a session is opened. */
export interface Opener {
  readonly registry: SessionRegistry;
  readonly facts: ClientFacts;
  readonly tickets: Tickets | undefined;
  readonly replacedTokens: ReplacedTokens;
  /** Whether this session goes on without this socket, which has not presented the new token. */
  isDetachedFrom(sessionId: string): boolean;
  /** The credential in the handshake; nothing where there is no option `identify`. */
  findCredential(): Promise<unknown> | undefined;
  /** Whether one more session may be created for it; counts it if so. */
  takeMintPermit(): boolean;
}

/** Opens or mints what is asked for. Rejects with a `SessionError` when the store cannot answer. */
export async function openSession(opener: Opener, request: Request): Promise<OpeningResult> {
  const { registry } = opener;
  if (request.kind === "recovery") return reopen(registry, request.note);
  if (request.kind === "credential") return (await openByCredential(opener, opener.findCredential())) ?? {};
  const { presented } = request;
  if (presented === STALE) return { message: { token: "", errors: "Session store unavailable" } };
  const isNothing = presented === undefined || presented === null || presented === "";
  const isStandIn = !isNothing && parseStandIn(presented) !== undefined;
  const finding = isNothing || isStandIn ? opener.findCredential() : undefined;
  if (finding) {
    const opened = await openByCredential(opener, finding);
    if (opened) return { ...opened, message: toldStandIn(opened.session, presented) };
    // A page of a cookie's: HTTP will give it another, and a token of its own would come first for ever.
    if (isStandIn) return { message: { token: "", errors: "Session Not Found" } };
  }
  if (isNothing) return mint(opener, "");
  const token = registry.parseToken(presented);
  if (!token) {
    registry.emitInvalid("malformed");
    return mint(opener, "Session Not Found");
  }
  const opened = await registry.openQuietly(token);
  if (opened.found === "nothing" && isInGrace(opener, token, opened))
    return { replaced: token.sessionId, again: true };
  registry.emitRefused(opened, token.sessionId);
  if (opened.found === "nothing") return mint(opener, "Session Not Found");
  if (opened.found === "expired") return mint(opener, "Session Expired");
  const { session } = opened;
  return { session, token, message: toGotToken(token.text, session, opener) };
}

/** Whether the token was replaced, and its client, which knows what to do when it is asked, may be about to learn of the new one. */
function isInGrace(
  opener: Opener,
  { sessionId, secretHash }: PresentedToken,
  { missing, isRetired }: { missing: boolean; isRetired?: boolean },
): boolean {
  // It may have been this very read that brought word of it, and detached the socket.
  const isReplaced = isRetired || (opener.isDetachedFrom(sessionId) && !missing);
  return isReplaced && opener.facts.confirms && opener.replacedTokens.isInGrace(secretHash);
}

/** Opens what the handshake's credential opens; no client is ever told that credential. */
async function openByCredential(
  { registry }: Opener,
  finding: Promise<unknown> | undefined,
): Promise<(OpeningResult & { session: Session }) | undefined> {
  const credential = await finding;
  if (typeof credential !== "string" || credential.length < MIN_CREDENTIAL_LENGTH) return undefined;
  const token = parseToken(credential) ?? opaqueToken(credential);
  const opened = await registry.open(token);
  return opened.found === "session" ? { session: opened.session, token, isFixed: true } : undefined;
}

/** To a client that asks for a token, where its session is that of a cookie. */
function toldStandIn(session: Session, presented: unknown): GotToken {
  const token = standInFor(session.id);
  const known = presented === token ? ({ created: false } as const) : {};
  return { token, errors: "", expiresAt: session.row?.expires ?? 0, ...known };
}

async function mint(opener: Opener, errors: GotTokenErrors): Promise<OpeningResult> {
  if (!opener.takeMintPermit()) return { message: { token: "", errors: "Too Many Sessions" } };
  const { session, token } = await opener.registry.mint(opener.facts.client);
  if (opener.facts.cookie !== undefined) await opener.tickets?.ready();
  const message: GotToken = {
    token: newToken(token, opener),
    errors,
    expiresAt: session.row?.expires ?? 0,
    created: true,
  };
  return { session, token, message };
}

/** The answer to a token that opens the session. */
export function toGotToken(token: string, session: Session, { facts }: Pick<Opener, "facts">): GotToken {
  const shown = facts.cookie !== undefined ? standInFor(session.id) : token;
  return { token: shown, errors: "", expiresAt: session.row?.expires ?? 0, created: false };
}

/** A new token as its client is sent it: where it belongs into a cookie, as a ticket for whoever has the secret that is in it now. */
export function newToken(
  { text, sessionId }: PresentedToken,
  { facts, tickets }: Pick<Opener, "facts" | "tickets">,
  boundTo = facts.cookie,
): string {
  if (facts.cookie === undefined) return text;
  if (!tickets || boundTo === undefined) throw new SessionError("SESSION_NOT_CONFIRMED");
  return tickets.seal("store", sessionId, { token: text, boundTo });
}

/** Opens the session of a note; it may have ended, or another secret may open it by now. */
export async function reopen(registry: SessionRegistry, note: RecoveryNote): Promise<OpeningResult> {
  const { sessionId, isFixed } = note;
  let isReplaced = false;
  const fits = (row: SessionRow) => {
    isReplaced = !isProvenBy(row, note);
    return !isReplaced;
  };
  const opened = await registry.reopen(sessionId, fits, { isExpected: true });
  if (opened.found === "session") return { session: opened.session, ...(isFixed && { isFixed }) };
  if (opened.found === "expired") return { endReason: "expired" };
  if (opened.missing) return { endReason: "destroyed" };
  return isReplaced ? { replaced: sessionId } : {};
}
