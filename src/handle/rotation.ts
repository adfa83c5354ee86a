import type { Clock } from "../base/clock.js";
import { SessionError } from "../errors.js";
import { replaceSecret } from "../session/secret.js";
import type { Session } from "../session/session.js";
import type { Values } from "../session/values.js";
import type { Credential } from "../token/credential.js";
import { isSameHash } from "../token/hash.js";
import { generateToken, type PresentedToken } from "../token/token.js";
import type { UnconfirmedTokens } from "../token/unconfirmed-tokens.js";
import { type RotationTurn, runInTurn } from "./rotation-turns.js";

/** The client on whose behalf a session gets a new secret. */
export interface Bearer {
  readonly credential: Credential;
  /** Whether its client acknowledges new tokens once they are stored. */
  readonly canConfirm: boolean;
  /** Nothing can be sent to it, not yet or not any more. */
  readonly isGone: boolean;
  /**
   * Has the client present the token that it holds now; resolves to whether it has, once that has been looked
   * at.
   */
  presentAgain(): Promise<boolean>;
  /**
   * Sends its client, and nobody else, the new token in place of the one with the secret of this hash;
   * resolves to whether it was confirmed.
   */
  offer(token: PresentedToken, replaces: Uint8Array | null): Promise<boolean>;
  /**
   * The session's secret is about to be replaced in one step: what the client presents meanwhile may be the
   * old one.
   */
  expectReplacement(token: PresentedToken, done: Promise<unknown>): void;
}

/** What changes together with the secret. */
export type WithRotation = (values: Values) => void;

/** A new secret, and what it is for. */
export interface Rotation {
  readonly change?: WithRotation;
  readonly isLogin?: boolean;
}

/** What a rotation needs of the registry. */
export interface RotationHost {
  readonly clock: Clock;
  readonly unconfirmed: UnconfirmedTokens;
  acquireForChange(session: Session): Session;
  release(session: Session): void;
}

const NOTHING: WithRotation = () => {};
/** Rotations that one client may have waiting; more come from a loop. */
const MAX_WAITING = 4;

const waiting = new WeakMap<Bearer, number>();

/**
 * Gives a session a new secret, and changes what `change` changes in the same write, in the session's turn: a
 * second one begins with what the first has come to, or has come to by the time that it is overtaken.
 *
 * A client that confirms is first sent the new token, whose hash waits in `nextHash`; the old one stays good
 * until the new one is confirmed or presented, so that a reply that is lost logs nobody out. A client that
 * does not confirm gets it in one step: the old one ends at once.
 *
 * Errors: `SESSION_NOT_CONFIRMED`, `SESSION_TOKEN_CHANGED`, `SESSION_QUEUE_FULL`, those of a change.
 */
export async function rotate(
  session: Session,
  bearer: Bearer,
  host: RotationHost,
  { change = NOTHING, isLogin = false }: Rotation = {},
): Promise<void> {
  const count = waiting.get(bearer) ?? 0;
  if (count >= MAX_WAITING) throw session.error("SESSION_QUEUE_FULL");
  waiting.set(bearer, count + 1);
  try {
    await runInTurn(session, { bearer, isLogin, clock: host.clock }, async (turn) => {
      if (session.ended) throw session.error("SESSION_ENDED");
      // Whoever cannot be sent a token must not lose the one it has.
      if (bearer.isGone) throw session.error("SESSION_NOT_CONFIRMED");
      if (bearer.canConfirm) await rotateByClient(session, { bearer, turn, host }, change);
      else await rotateInOneStep(session, bearer, change);
    });
  } finally {
    waiting.set(bearer, (waiting.get(bearer) ?? 1) - 1);
  }
}

/** A client that confirms, and when it is asked. */
interface Confirming {
  readonly bearer: Bearer;
  readonly turn: RotationTurn;
  readonly host: RotationHost;
}

async function rotateByClient(session: Session, confirming: Confirming, change: WithRotation): Promise<void> {
  const proposal = await propose(session, confirming);
  const isConfirmed = await offer(session, proposal, confirming);
  if (session.ended) throw session.error("SESSION_ENDED");
  if (!isConfirmed) throw session.error("SESSION_NOT_CONFIRMED");
  const held = confirming.bearer.credential.copy();
  await session.edit((values) => {
    takeEffect(session, values, { ...proposal, held });
    change(values);
  });
}

/** What one client was sent, in order: it has stored each over the one before. */
interface Sent {
  readonly secretHash: Uint8Array;
  next?: Sent;
}

/** The last token that each client was sent. */
const lastSent = new WeakMap<Bearer, Sent>();

/**
 * The client holds its new token, so that wins over what somebody else may have been sent meanwhile; not
 * over what has taken effect, unless this client has had that too: then it has stored this one over it. Not
 * so where it was sent that one later: its word of this one was slow. `held` is what it had when it
 * confirmed: what it presents while this is being written is stored over this one.
 */
function takeEffect(
  session: Session,
  values: Values,
  { token, replaces, sent, held }: Proposal & { held: Credential },
) {
  const { identity } = values;
  // It may have been presented, here or to another server, before its confirmation was heard.
  if (isSameHash(identity.secretHash, token.secretHash)) return;
  for (let later = sent.next; later; later = later.next)
    if (isSameHash(identity.secretHash, later.secretHash)) throw session.error("SESSION_NOT_CONFIRMED");
  const mayReplace = replaces !== null && isSameHash(identity.secretHash, replaces);
  if (!mayReplace && !held.canOpen(identity)) throw session.error("SESSION_NOT_CONFIRMED");
  values.identity = replaceSecret(identity, token.secretHash);
}

/** A new secret that waits, and the hash of the one that it may replace. */
interface Proposal {
  readonly token: PresentedToken;
  readonly replaces: Uint8Array | null;
  readonly sent: Sent;
}

/** Sends the client its new token; resolves to whether it has confirmed it in time. */
async function offer(
  session: Session,
  proposal: Proposal,
  { bearer, turn, host }: Confirming,
): Promise<boolean> {
  const { token, replaces } = proposal;
  let answer: Promise<boolean> | undefined;
  const isConfirmed = await turn.waitForClient(() => {
    answer = bearer.offer(token, replaces);
    return answer;
  });
  if (isConfirmed || !answer || !replaces) return isConfirmed;
  host.unconfirmed.add(token.secretHash, replaces);
  // Who is overtaken may confirm all the same. What was asked for has been refused by then, but the client
  // has the token.
  void confirmLate(session, { ...proposal, bearer, answer }, host);
  return false;
}

/**
 * Never rejects: where it is too late, or the store is away, that is found out when the client presents the
 * token.
 */
async function confirmLate(
  session: Session,
  late: Proposal & { bearer: Bearer; answer: Promise<boolean> },
  host: RotationHost,
): Promise<void> {
  try {
    if (!(await late.answer)) return;
    const held = late.bearer.credential.copy();
    const used = host.acquireForChange(session);
    await used
      .edit((values) => takeEffect(used, values, { ...late, held }))
      .finally(() => host.release(used));
  } catch {}
}

/** How many logouts of a session have begun. */
const logouts = new WeakMap<Session, number>();

/**
 * Says who a session belongs to, with a new secret, and what `also` changes; resolves to who it belonged to
 * before. Where a logout has begun since, that was asked for later: the client has its new token, and nobody
 * is logged in. Errors: as of {@link rotate}.
 */
export async function rotateToLogin(
  session: Session,
  bearer: Bearer,
  host: RotationHost,
  userId: string,
  also: WithRotation = NOTHING,
): Promise<string | null> {
  const before = logouts.get(session);
  let isUndone = false;
  let previousUserId: string | null = null;
  const change = (values: Values) => {
    isUndone = logouts.get(session) !== before;
    previousUserId = values.identity.userId;
    if (!isUndone) values.identity = { ...values.identity, userId };
    if (!isUndone) also(values);
  };
  await rotate(session, bearer, host, { change, isLogin: true });
  if (isUndone) throw session.error("SESSION_NOT_CONFIRMED", "a logout came after it");
  return previousUserId;
}

async function rotateInOneStep(session: Session, bearer: Bearer, change: WithRotation): Promise<void> {
  const { credential } = bearer;
  const token = generateToken(session.id);
  credential.addSent(token.secretHash);
  let replaces: Uint8Array | null = null;
  const done = session.edit((values) => {
    replaces = values.identity.secretHash;
    values.identity = replaceSecret(values.identity, token.secretHash);
    change(values);
  }, credential);
  bearer.expectReplacement(token, done);
  await done;
  await bearer.offer(token, replaces);
}

/** Has a new secret wait in `nextHash`. */
async function propose(session: Session, { bearer, turn, host }: Confirming): Promise<Proposal> {
  // An earlier new token may have arrived without our having heard of it; what the client holds decides.
  const asked = session.saved.identity.nextHash;
  if (asked && !(await turn.waitForClient(() => bearer.presentAgain())))
    throw session.error("SESSION_NOT_CONFIRMED");
  const { credential } = bearer;
  const token = generateToken(session.id);
  let replaces: Uint8Array | null = null;
  credential.addSent(token.secretHash);
  await session.edit((values) => {
    const { secretHash, nextHash } = values.identity;
    // Another server has sent one that this client was not asked about and may hold: in its place ours would
    // log it out.
    if (nextHash && !(asked && isSameHash(asked, nextHash))) throw session.error("SESSION_NOT_CONFIRMED");
    replaces = secretHash;
    values.identity = { ...values.identity, nextHash: token.secretHash };
  }, credential);
  // It may have been sent to another page of the device, which has stored it since this one was asked.
  if (asked && replaces) host.unconfirmed.add(asked, replaces);
  return { token, replaces, sent: sentTo(bearer, token) };
}

function sentTo(bearer: Bearer, { secretHash }: PresentedToken): Sent {
  const sent: Sent = { secretHash };
  const before = lastSent.get(bearer);
  if (before) before.next = sent;
  lastSent.set(bearer, sent);
  return sent;
}

/**
 * Takes the login away, and then gives a new secret. What is to be gone is gone first: a client that went
 * before it could confirm (somebody closed the lid) must not stay logged in. Its old token then opens a
 * session of nobody, without values. So it is where the store refuses the new secret or cannot be reached any
 * more: the logout is done by then, and an error would say that surely nothing was written. That one is
 * logged.
 */
export async function clearAndRotate(
  session: Session,
  bearer: Bearer,
  host: RotationHost & { reportError(error: SessionError): void },
  clear: WithRotation,
): Promise<void> {
  let hasBegun = false;
  await session.edit((values) => {
    clear(values);
    // This is run again where somebody else has written meanwhile.
    if (!hasBegun) logouts.set(session, (logouts.get(session) ?? 0) + 1);
    hasBegun = true;
  }, bearer.credential);
  try {
    await rotate(session, bearer, host);
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    if (error.code !== "SESSION_NOT_CONFIRMED") host.reportError(error);
  }
}
