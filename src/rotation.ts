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
  /** Has the client present the token that it holds now, and resolves when that has been looked at, or time is up. */
  presentAgain(): Promise<void>;
  /** Sends its client the new token, and nobody else; resolves to whether it was confirmed. */
  offer(token: PresentedToken): Promise<boolean>;
}

/** What changes together with the secret. */
export type WithRotation = (values: Values) => void;

const NOTHING: WithRotation = () => {};

/**
 * Gives a session a new secret, and changes what `change` changes in the same write.
 *
 * A client that confirms is first sent the new token, whose hash waits in `nextHash`; the old one stays good until the
 * new one is confirmed or presented, so that a reply that is lost logs nobody out. A client that does not confirm gets it in one
 * step: the old one ends at once.
 *
 * Errors: `SESSION_NOT_CONFIRMED`, `SESSION_TOKEN_CHANGED`, those of a change.
 */
export function rotate(session: Session, bearer: Bearer, change: WithRotation = NOTHING): Promise<void> {
  const turn = (turns.get(session) ?? Promise.resolve()).then(() => rotateNow(session, bearer, change));
  turns.set(
    session,
    turn.catch(() => {}),
  );
  return turn;
}

/** The end of the last rotation of each session: a second one begins with what the first has come to. */
const turns = new WeakMap<Session, Promise<void>>();

async function rotateNow(session: Session, bearer: Bearer, change: WithRotation): Promise<void> {
  if (!bearer.confirms) {
    const { credential } = bearer;
    const token = newTokenFor(session.id);
    credential.expect(token.secretHash);
    await session.edit((values) => {
      values.identity = replaced(values.identity, token.secretHash);
      change(values);
    }, credential);
    await bearer.offer(token);
    return;
  }
  // An earlier new token may have arrived without our having heard of it; what the client holds decides.
  if (session.saved.identity.nextHash) await bearer.presentAgain();
  const { credential } = bearer;
  const token = newTokenFor(session.id);
  let replaces: Uint8Array | null = null;
  credential.expect(token.secretHash);
  await session.edit((values) => {
    replaces = values.identity.secretHash;
    values.identity = { ...values.identity, nextHash: token.secretHash };
  }, credential);
  if (!(await bearer.offer(token))) throw session.error("SESSION_NOT_CONFIRMED");
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
