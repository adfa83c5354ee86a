import type { SessionRegistry } from "../registry/registry.js";
import type { Session } from "../session/session.js";
import type { SessionRow } from "../store.js";
import { opaqueToken } from "../token/opaque.js";
import type { ReplacedTokens } from "../token/replaced-tokens.js";
import { parseStandIn, type Tickets } from "../token/tickets.js";
import { type PresentedToken, parseToken } from "../token/token.js";
import type { EndReason, GotToken, GotTokenErrors } from "../wire.js";
import { newToken, toGotToken, toStandInMessage } from "./client-messages.js";
import { type ClientFacts, type Request, STALE } from "./handshake.js";
import { isOvertakenBy, isProvenBy, type RecoveryNote } from "./recovery-note.js";

/** Characters of a credential from elsewhere: a shorter one could be guessed. */
const MIN_CREDENTIAL_LENGTH = 16;

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
    if (opened) return { ...opened, message: toStandInMessage(opened.session, presented) };
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

/**
 * Whether the token was replaced, and its client, which knows what to do when it is asked, may be about to
 * learn of the new one.
 */
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

async function mint(opener: Opener, errors: GotTokenErrors): Promise<OpeningResult> {
  if (!opener.takeMintPermit()) return { message: { token: "", errors: "Too Many Sessions" } };
  const { session, token } = await opener.registry.mint(opener.facts.client);
  if (opener.facts.cookie !== undefined) await opener.tickets?.refreshClock();
  const message: GotToken = {
    token: newToken(token, opener),
    errors,
    expiresAt: session.row?.expires ?? 0,
    created: true,
  };
  return { session, token, message };
}

/** Opens the session of a note; it may have ended, or another secret may open it by now. */
export async function reopen(registry: SessionRegistry, note: RecoveryNote): Promise<OpeningResult> {
  const { sessionId, isFixed } = note;
  let isReplaced = false;
  const judge = (row: SessionRow) => {
    isReplaced = !isProvenBy(row, note);
    if (!isReplaced) return "open";
    return isOvertakenBy(row, note) ? "replaced" : "unknown";
  };
  const opened = await registry.reopen(sessionId, judge);
  if (opened.found === "session") return { session: opened.session, ...(isFixed && { isFixed }) };
  if (opened.found === "expired") return { endReason: "expired" };
  if (opened.missing) return { endReason: "destroyed" };
  return isReplaced ? { replaced: sessionId } : {};
}
