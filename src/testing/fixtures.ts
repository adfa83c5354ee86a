import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { newProcessId, newRevision, withWriter } from "../row/writers.js";
import type { Identity, NewSession, SessionRow, SessionStore, WriteAttempt } from "../store.js";
import { mintToken } from "../token/token.js";

/** Rounds of what is left to chance: enough that a store that reads first and writes then is caught. */
export const ROUNDS = 20;

/** JSON text with all that is known to suffer on the way to a database. */
export const AWKWARD = '{"a":"\\"\'\\\\ %_ 😀\\ud800\\u0000","n":9007199254740991}';

export function newSession(given: Partial<NewSession> = {}): NewSession {
  const { sessionId, secretHash } = mintToken();
  const revision = newRevision();
  const writers = withWriter(new Uint8Array(), newProcessId(), revision);
  return { sessionId, secretHash, data: "{}", client: null, revision, writers, ...given };
}

/** Inserts a session and gives its row as the store has it. */
export async function insertSession(
  store: SessionStore,
  given: Partial<NewSession> = {},
): Promise<SessionRow> {
  const session = newSession(given);
  await store.insert([session]);
  return loadRow(store, session.sessionId);
}

/** The row of this id, which must be there. */
export async function loadRow(store: SessionStore, sessionId: string): Promise<SessionRow> {
  const [row] = await store.load([sessionId]);
  assert.ok(row, "load does not find a row that must be there");
  return row;
}

export async function assertMissing(store: SessionStore, sessionId: string, why?: string): Promise<void> {
  assert.deepEqual(await store.load([sessionId]), [], why);
}

export function attemptOn(
  row: Pick<SessionRow, "sessionId" | "revision" | "writers">,
  given: Partial<Pick<WriteAttempt, "baseRevision" | "revision" | "data">> = {},
): WriteAttempt {
  const revision = given.revision ?? newRevision();
  return {
    sessionId: row.sessionId,
    baseRevision: row.revision,
    data: `{"x":"${randomBytes(4).toString("hex")}"}`,
    writers: withWriter(row.writers, newProcessId(), revision),
    ...given,
    revision,
  };
}

/** A user, and three hashes that differ from each other and from all others. */
export function newIdentity(given: Partial<Identity> = {}): Identity {
  const [secretHash, nextHash, previousHash] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  return { userId: "ada", secretHash, nextHash, previousHash, ...given };
}

export function anotherRevision(revision: number): number {
  return revision < 2 ** 53 - 1 ? revision + 1 : 0;
}

/** All of a row but the moment it was read, in a form that can be compared. */
export function comparable({ now: _, ...row }: SessionRow): Record<string, unknown> {
  return {
    ...row,
    secretHash: toNumbers(row.secretHash),
    nextHash: toNumbers(row.nextHash),
    previousHash: toNumbers(row.previousHash),
    writers: toNumbers(row.writers),
    client: row.client && { ...row.client },
  };
}

/** A whole copy, which stays as it is whatever becomes of the bytes. */
export function toNumbers(value: Uint8Array | null | undefined): number[] | null | undefined {
  return value && [...value];
}

/** Two moments that may have been read in different seconds. */
export function assertNear(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 2, `${what}: ${actual}, not ${expected}`);
}
