import { createHash } from "node:crypto";
import type { Socket } from "socket.io";
import type { Identity } from "../store.js";
import { type HashText, textToBytes } from "../token/hash.js";
import { isRecoverable } from "./internals.js";

/** Where the server notes a socket's session for connection state recovery. */
const DATA_KEY = "tokenSession";

/**
 * What is noted of a session in `socket.data`, which Socket.IO keeps for recovered sockets and shows to other
 * nodes.
 */
export interface RecoveryNote {
  readonly sessionId: string;
  /**
   * Shows that this server wrote the note, which secret the session was opened with, and who was logged in.
   */
  readonly proof: string;
  /** Its token is in a cookie, and must not be told to its page. */
  readonly byTicket?: true;
  /** It has the session by a credential that it cannot be given another for. */
  readonly isFixed?: true;
}

export function writeNote(
  socket: Socket,
  sessionId: string,
  { secretHash, userId }: { secretHash: HashText; userId: string | null },
  { byTicket = false, isFixed = false } = {},
): void {
  // Where Socket.IO recovers no socket, nobody would ever read it.
  if (!isRecoverable(socket) || typeof socket.data !== "object" || socket.data === null) return;
  const proof = proofOf({ secretHash: textToBytes(secretHash), userId });
  const note: RecoveryNote = {
    sessionId,
    proof,
    ...(byTicket && { byTicket }),
    ...(isFixed && { isFixed }),
  };
  socket.data[DATA_KEY] = note;
}

/** The note of a socket that Socket.IO recovered. */
export function noteOfRecovered(socket: Socket): RecoveryNote | undefined {
  return socket.recovered ? noteOf(socket.data) : undefined;
}

/** The note in what Socket.IO kept as a socket's `data`. */
export function noteOf(data: unknown): RecoveryNote | undefined {
  const note = (data as Record<string, unknown> | null | undefined)?.[DATA_KEY];
  const { sessionId, proof, byTicket, isFixed } = (
    typeof note === "object" && note !== null ? note : {}
  ) as Record<string, unknown>;
  if (typeof sessionId !== "string" || typeof proof !== "string") return undefined;
  return {
    sessionId,
    proof,
    ...(byTicket === true && { byTicket }),
    ...(isFixed === true && { isFixed }),
  };
}

/**
 * A one-way image of a secret's hash and of who is logged in. An application that copies what clients send
 * into `socket.data` gives nobody a way in, and the note dies with the secret and with the login; neither the
 * secret, nor the hash in the table, nor the user can be found from it.
 */
export function proofOf({ secretHash, userId }: { secretHash: Uint8Array; userId: string | null }): string {
  const proof = createHash("sha256").update("recovery\0").update(secretHash);
  return (userId === null ? proof : proof.update(userId)).digest("base64url");
}

/** Whether a note was written while the session was as it is. */
export function isProvenBy(
  { secretHash, userId }: Pick<Identity, "secretHash" | "userId">,
  { proof }: RecoveryNote,
): boolean {
  return secretHash !== null && proofOf({ secretHash, userId }) === proof;
}

/**
 * Whether the row shows that the note is of before the last rotation: by the secret that it replaced,
 * whether somebody has logged in with it or not. A note that is older than that, or newer, cannot be told
 * from others.
 */
export function isOvertakenBy({ previousHash, userId }: Identity, note: RecoveryNote): boolean {
  return [userId, null].some((user) => isProvenBy({ secretHash: previousHash, userId: user }, note));
}
