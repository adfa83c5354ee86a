import type { Socket } from "socket.io";
import { storeError } from "../gateway/retry.js";
import type { HashText } from "../token/hash.js";
import { parseStandIn, Ticket, type Tickets } from "../token/tickets.js";
import type { ClientDescription, GotToken } from "../wire.js";
import type { AttachmentContext } from "./context.js";
import { hideTokenCookies } from "./handshake-cookies.js";
import { noteOfRecovered, type RecoveryNote } from "./recovery-note.js";

/** Of what a client says of itself. */
const MAX_DESCRIPTION_BYTES = 1024;

/**
 * A wish to open a session: by a token that was presented, by the note of a socket that Socket.IO recovered,
 * or by a credential that the application finds in the handshake.
 */
export type Request =
  | TokenRequest
  | { readonly kind: "recovery"; readonly note: RecoveryNote }
  | { readonly kind: "credential" };

export interface TokenRequest {
  readonly kind: "token";
  /** Whatever the client sent in place of a token; of a ticket, the token in it. */
  readonly presented: unknown;
  /** Which presentation of its client it is, where that numbers them. */
  readonly number: number | undefined;
  /** Acknowledgements to be answered with what `gotToken` says. */
  acknowledge: ((message: GotToken) => void)[];
}

/** What our client says in the handshake besides the token. */
export interface ClientFacts {
  /** It acknowledges a new token once it has stored it. */
  readonly confirms: boolean;
  readonly client: ClientDescription | null;
  /**
   * Its token is in a cookie: what it sends and is sent are stand-ins and tickets. The hash of the secret in
   * that cookie, as of the last ticket; `""` where that is not known.
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

/** A ticket that opens nothing, because it is too old mostly: the client has better ones to get. */
export const STALE = Symbol("stale ticket");

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

/**
 * A request with a ticket that seemed too old, once the store has told the time. Rejects with a
 * `SessionError` where it cannot.
 */
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
    const number = toNumber(said["nth"]);
    delete said["nth"];
    return { request: { kind: "token", presented, number, acknowledge: [] }, facts };
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
  const number = toNumber(content["nth"]);
  return { request: { kind: "token", presented, number, acknowledge }, facts };
}

function toNumber(said: unknown): number | undefined {
  return Number.isSafeInteger(said) ? (said as number) : undefined;
}

/**
 * Takes what a client says of itself if it is what the protocol allows, flat JSON of at most 1 kB; else
 * `null`.
 */
function toClientDescription(said: unknown): ClientDescription | null {
  if (typeof said !== "object" || said === null || Array.isArray(said)) return null;
  const flat = Object.values(said).every(
    (value) =>
      value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value),
  );
  if (!flat || Buffer.byteLength(JSON.stringify(said)) > MAX_DESCRIPTION_BYTES) return null;
  return { ...said };
}
