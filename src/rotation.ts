import type { Credential } from "./credential.js";
import { SessionError } from "./errors.js";
import type { Session } from "./session.js";
import type { Identity } from "./store.js";
import { newTokenFor, type PresentedToken, sameHash } from "./token.js";
import type { Values } from "./values.js";

/** The client on whose behalf a session gets a new secret. */
export interface Bearer {
  readonly credential: Credential;
  /** Whether its client acknowledges new tokens once they are stored. */
  readonly confirms: boolean;
  /** Nothing can be sent to it, not yet or not any more. */
  readonly gone: boolean;
  /** Has the client present the token that it holds now; resolves to whether it has, once that has been looked at. */
  presentAgain(): Promise<boolean>;
  /** Sends its client the new token, and nobody else; resolves to whether it was confirmed. */
  offer(token: PresentedToken): Promise<boolean>;
  /** The session's secret is about to be replaced in one step: what the client presents meanwhile may be the old one. */
  replacing(token: PresentedToken, done: Promise<unknown>): void;
}

/** What changes together with the secret. */
export type WithRotation = (values: Values) => void;

const NOTHING: WithRotation = () => {};
/** Rotations that one client may have waiting; more come from a loop, and whoever does not confirm holds up the others. */
const MAX_WAITING = 4;

const waiting = new WeakMap<Bearer, number>();
/** The end of the last rotation of each session: a second one begins with what the first has come to. */
const turns = new WeakMap<Session, Promise<void>>();

/**
 * Gives a session a new secret, and changes what `change` changes in the same write.
 *
 * A client that confirms is first sent the new token, whose hash waits in `nextHash`; the old one stays good until the
 * new one is confirmed or presented, so that a reply that is lost logs nobody out. A client that does not confirm gets it in one
 * step: the old one ends at once.
 *
 * Errors: `SESSION_NOT_CONFIRMED`, `SESSION_TOKEN_CHANGED`, `SESSION_QUEUE_FULL`, those of a change.
 */
export async function rotate(
  session: Session,
  bearer: Bearer,
  change: WithRotation = NOTHING,
): Promise<void> {
  const count = waiting.get(bearer) ?? 0;
  if (count >= MAX_WAITING) throw session.error("SESSION_QUEUE_FULL");
  waiting.set(bearer, count + 1);
  const result = (turns.get(session) ?? Promise.resolve()).then(() => rotateNow(session, bearer, change));
  const over = () => void waiting.set(bearer, (waiting.get(bearer) ?? 1) - 1);
  turns.set(session, result.then(over, over));
  return result;
}

async function rotateNow(session: Session, bearer: Bearer, change: WithRotation): Promise<void> {
  // Whoever cannot be sent a token must not lose the one it has.
  if (bearer.gone) throw session.error("SESSION_NOT_CONFIRMED");
  if (!bearer.confirms) return rotateInOneStep(session, bearer, change);
  const { token, replaces } = await propose(session, bearer);
  const isConfirmed = await bearer.offer(token);
  if (session.ended) throw session.error("SESSION_ENDED");
  if (!isConfirmed) throw session.error("SESSION_NOT_CONFIRMED");
  await session.edit((values) => {
    const { identity } = values;
    // It may have been presented, here or to another server, before its confirmation was heard.
    if (!sameHash(identity.secretHash, token.secretHash)) {
      // The client holds it, so it wins over what somebody else may have sent meanwhile; not over what has taken effect.
      if (!replaces || !sameHash(identity.secretHash, replaces)) throw session.error("SESSION_NOT_CONFIRMED");
      values.identity = replaced(identity, token.secretHash);
    }
    change(values);
  });
}

async function rotateInOneStep(session: Session, bearer: Bearer, change: WithRotation): Promise<void> {
  const { credential } = bearer;
  const token = newTokenFor(session.id);
  credential.expect(token.secretHash);
  const done = session.edit((values) => {
    values.identity = replaced(values.identity, token.secretHash);
    change(values);
  }, credential);
  bearer.replacing(token, done);
  await done;
  await bearer.offer(token);
}

/** A new secret that waits in `nextHash`, and the hash of the one that it may replace. */
async function propose(
  session: Session,
  bearer: Bearer,
): Promise<{ token: PresentedToken; replaces: Uint8Array | null }> {
  // An earlier new token may have arrived without our having heard of it; what the client holds decides.
  const asked = session.saved.identity.nextHash;
  if (asked && !(await bearer.presentAgain())) throw session.error("SESSION_NOT_CONFIRMED");
  const { credential } = bearer;
  const token = newTokenFor(session.id);
  let replaces: Uint8Array | null = null;
  credential.expect(token.secretHash);
  await session.edit((values) => {
    const { secretHash, nextHash } = values.identity;
    // Another server has sent one that this client was not asked about and may hold: in its place ours would log it out.
    if (nextHash && !(asked && sameHash(asked, nextHash))) throw session.error("SESSION_NOT_CONFIRMED");
    replaces = secretHash;
    values.identity = { ...values.identity, nextHash: token.secretHash };
  }, credential);
  return { token, replaces };
}

/**
 * Takes the login away, and then gives a new secret. What is to be gone is gone first: a client that went before it could confirm
 * (somebody closed the lid) must not stay logged in. Its old token then opens a session of nobody, without values. So it is where the store
 * refuses the new secret or cannot be reached any more: the logout is done by then, and an error would say that surely nothing was written.
 * `failed` is told of that one.
 */
export async function rotateAfter(
  session: Session,
  bearer: Bearer,
  { clear, failed }: { clear: WithRotation; failed: (error: SessionError) => void },
): Promise<void> {
  await session.edit(clear, bearer.credential);
  try {
    await rotate(session, bearer);
  } catch (error) {
    if (!(error instanceof SessionError)) throw error;
    if (error.code !== "SESSION_NOT_CONFIRMED") failed(error);
  }
}

/** What a secret is to a session. */
export type Standing = "current" | "next" | "previous" | "none";

export function standingOf(identity: Identity, secretHash: Uint8Array): Standing {
  if (sameHash(identity.secretHash, secretHash)) return "current";
  if (sameHash(identity.nextHash, secretHash)) return "next";
  return sameHash(identity.previousHash, secretHash) ? "previous" : "none";
}

/** The secret was presented that waits in `nextHash`: its client has it, so the one before is over. */
export function promotePresented(session: Session, secretHash: Uint8Array): Promise<void> {
  return session.edit((values) => {
    const { identity } = values;
    if (sameHash(identity.secretHash, secretHash)) return;
    if (!sameHash(identity.nextHash, secretHash)) throw session.error("SESSION_TOKEN_CHANGED");
    values.identity = replaced(identity, secretHash);
  });
}

/** Checks a user id and gives it as text. Errors: `SESSION_USER_INVALID`. */
export function toUserId(userId: unknown): string {
  const text = Number.isSafeInteger(userId) ? String(userId) : userId;
  // MySQL compares without regard to spaces at the end, keeps 128 characters, and has no lone surrogates.
  const isFit =
    typeof text === "string" &&
    text !== "" &&
    text.trim() === text &&
    [...text].length <= 128 &&
    !/\p{Cs}/u.test(text);
  if (!isFit) throw new SessionError("SESSION_USER_INVALID");
  return text;
}

function replaced(identity: Identity, secretHash: Uint8Array): Identity {
  return { ...identity, secretHash, nextHash: null, previousHash: identity.secretHash };
}
