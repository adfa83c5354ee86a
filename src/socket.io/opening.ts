import type { Socket } from "socket.io";
import { toClientDescription } from "../description.js";
import type { Session } from "../session.js";
import type { SessionRegistry } from "../sessions.js";
import type { SessionRow } from "../store.js";
import type { PresentedToken } from "../token.js";
import type { ClientDescription, EndReason, GotToken, GotTokenErrors } from "../wire.js";
import { proofOf, type RecoveryNote, recoveryNote } from "./recovery.js";

/** A wish to open a session: by a token that was presented, or by the note of a socket that Socket.IO recovered. */
export type Request = TokenRequest | { readonly kind: "recovery"; readonly note: RecoveryNote };

export interface TokenRequest {
  readonly kind: "token";
  /** Whatever the client sent in place of a token. */
  readonly presented: unknown;
  /** Acknowledgements to be answered with what `gotToken` says. */
  acknowledge: ((message: GotToken) => void)[];
}

/** What our client says in the handshake besides the token. */
export interface ClientFacts {
  /** It acknowledges a new token once it has stored it. */
  readonly confirms: boolean;
  readonly client: ClientDescription | null;
}

export const SAYS_NOTHING: ClientFacts = { confirms: false, client: null };
const CONFIRMS: ClientFacts = { confirms: true, client: null };

/** What most clients say is one object for all of them. */
function clientFacts(confirms: boolean, client: ClientDescription | null): ClientFacts {
  if (client) return { confirms, client };
  return confirms ? CONFIRMS : SAYS_NOTHING;
}

/** What came of a request. The registry holds `session` for the caller. */
export interface OpeningResult {
  readonly session?: Session;
  readonly token?: PresentedToken;
  /** Absent where the client asked for nothing. */
  readonly message?: GotToken;
  /** Why the session of a recovered socket is over. */
  readonly over?: EndReason;
  /** The session of a recovered socket, where another token has taken the place of the one that it had. */
  readonly replaced?: string;
}

/** Takes the token out of the handshake, which Socket.IO ships to other nodes (`fetchSockets`). */
export function takeHandshake(socket: Socket): { request: Request | undefined; facts: ClientFacts } {
  const auth: unknown = socket.handshake.auth;
  if (typeof auth === "object" && auth !== null && Object.hasOwn(auth, "token")) {
    const said = auth as Record<string, unknown>;
    const presented = said["token"];
    delete said["token"];
    const facts = clientFacts(said["confirm"] === true, toClientDescription(said["client"]));
    return { request: { kind: "token", presented, acknowledge: [] }, facts };
  }
  const note = recoveryNote(socket);
  return { request: note && { kind: "recovery", note }, facts: SAYS_NOTHING };
}

/** Reads `getToken`, from a client of which `known` is known. */
export function readGetToken(
  event: readonly unknown[],
  known: ClientFacts,
): { request: TokenRequest; facts: ClientFacts } {
  const last = event.at(-1);
  const acknowledge = typeof last === "function" ? [last as (message: GotToken) => void] : [];
  const content = (typeof event[1] === "object" && event[1] !== null ? event[1] : {}) as Record<
    string,
    unknown
  >;
  // Whoever came upon a connected socket could say nothing in the handshake.
  const facts = clientFacts(
    known.confirms || content["confirm"] === true,
    known.client ?? toClientDescription(content["client"]),
  );
  return { request: { kind: "token", presented: content["token"], acknowledge }, facts };
}

/** For whom a session is opened. */
export interface Opener {
  readonly registry: SessionRegistry;
  readonly client: ClientDescription | null;
  /** Whether one more session may be created for it; counts it if so. */
  mayMint(): boolean;
}

/** Opens or mints what is asked for. Rejects with a `SessionError` when the store cannot answer. */
export async function openSession(opener: Opener, request: Request): Promise<OpeningResult> {
  const { registry } = opener;
  if (request.kind === "recovery") return reopen(registry, request.note);
  const { presented } = request;
  if (presented === undefined || presented === null || presented === "") return mint(opener, "");
  const token = registry.parseToken(presented);
  if (!token) {
    registry.invalid("malformed");
    return mint(opener, "Session Not Found");
  }
  const opened = await registry.open(token);
  if (opened.found === "nothing") return mint(opener, "Session Not Found");
  if (opened.found === "expired") return mint(opener, "Session Expired");
  return result(opened.session, token, "", false);
}

async function mint(opener: Opener, errors: GotTokenErrors): Promise<OpeningResult> {
  if (!opener.mayMint()) return { message: { token: "", errors: "Too Many Sessions" } };
  const { session, token } = await opener.registry.mint(opener.client);
  return result(session, token, errors, true);
}

function result(
  session: Session,
  token: PresentedToken,
  errors: GotTokenErrors,
  created: boolean,
): OpeningResult {
  return {
    session,
    token,
    message: { token: token.text, errors, expiresAt: session.row?.expires ?? 0, created },
  };
}

/** The answer to a token that opens the session which the socket has already. */
export function toGotToken(token: string, session: Session): GotToken {
  return { token, errors: "", expiresAt: session.row?.expires ?? 0, created: false };
}

async function reopen(registry: SessionRegistry, { sessionId, proof }: RecoveryNote): Promise<OpeningResult> {
  let isReplaced = false;
  const fits = ({ secretHash }: SessionRow) => {
    isReplaced = secretHash === null || proofOf(secretHash) !== proof;
    return !isReplaced;
  };
  const opened = await registry.reopen(sessionId, fits, { isExpected: true });
  if (opened.found === "session") return { session: opened.session };
  if (opened.found === "expired") return { over: "expired" };
  if (opened.missing) return { over: "destroyed" };
  return isReplaced ? { replaced: sessionId } : {};
}
