import type { Socket } from "socket.io";
import { toClientDescription } from "../description.js";
import type { Session } from "../session.js";
import type { SessionRegistry } from "../sessions.js";
import type { SessionRow } from "../store.js";
import type { PresentedToken } from "../token.js";
import type { ClientDescription, EndReason, GotToken, GotTokenErrors } from "../wire.js";
import type { MintLimit } from "./mint-limit.js";
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
    const facts = { confirms: said["confirm"] === true, client: toClientDescription(said["client"]) };
    return { request: { kind: "token", presented, acknowledge: [] }, facts };
  }
  const note = recoveryNote(socket);
  return { request: note && { kind: "recovery", note }, facts: { confirms: false, client: null } };
}

/** Opens or mints what is asked for. Rejects with a `SessionError` when the store cannot answer. */
export async function openSession(
  registry: SessionRegistry,
  request: Request,
  mints: readonly MintLimit[],
  client: ClientDescription | null,
): Promise<OpeningResult> {
  if (request.kind === "recovery") return reopen(registry, request.note);
  const mint = async (errors: GotTokenErrors): Promise<OpeningResult> => {
    if (!mints.every((limit) => limit.take())) return { message: { token: "", errors: "Too Many Sessions" } };
    const { session, token } = await registry.mint(client);
    return result(session, token, errors, true);
  };

  const { presented } = request;
  if (presented === undefined || presented === null || presented === "") return mint("");
  const token = registry.parseToken(presented);
  if (!token) {
    registry.invalid("malformed");
    return mint("Session Not Found");
  }
  const opened = await registry.open(token);
  if (opened.found === "nothing") return mint("Session Not Found");
  if (opened.found === "expired") return mint("Session Expired");
  return result(opened.session, token, "", false);
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
