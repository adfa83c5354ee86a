import { toIdleSeconds } from "../../row/expiration.js";
import { newRevision } from "../../row/writers.js";
import {
  type LegacyRow,
  RESERVED_KEY,
  type Seconds,
  type StoreSettings,
  type UnixSeconds,
} from "../../store.js";
import type { KeptRow } from "../row-rules.js";
import type { ConnectRecord } from "./store-like.js";

/** The property of a record that holds the row; a record without it was made by somebody else. */
const ROW = "socket.io-token-session";
/**
 * An expired record stays for so long that its client is told "expired" rather than "not found", as rows in a
 * table do until they are pruned.
 */
const KEPT_FOR: Seconds = 3600;

/** Bytes as text: a Connect store keeps JSON. */
type Kept = Omit<KeptRow, "secretHash" | "nextHash" | "previousHash" | "writers"> &
  Record<"secretHash" | "nextHash" | "previousHash", string | null> & { writers: string; isBegun?: true };

/**
 * A row as a Connect store keeps it, in an object that nobody else has. With `isBegun` it is no session yet:
 * the record that it is taken over from may still be there.
 */
export function toRecord(row: KeptRow, now: UnixSeconds, { isBegun = false } = {}): ConnectRecord {
  const forMs = (row.expires - now + KEPT_FOR) * 1000;
  const kept: Kept = {
    ...row,
    secretHash: toHex(row.secretHash),
    nextHash: toHex(row.nextHash),
    previousHash: toHex(row.previousHash),
    writers: toHex(row.writers),
    client: row.client && { ...row.client },
    ...(isBegun && { isBegun }),
  };
  return {
    // Stores differ in which of the three they look at. By the machine's own clock, as that is what they
    // compare it with.
    cookie: { originalMaxAge: forMs, maxAge: forMs, expires: new Date(Date.now() + forMs) },
    [ROW]: kept,
  };
}

/**
 * The row in what a Connect store has for this id; `undefined` where it has nothing, or something that is not
 * ours.
 */
export function toRow(found: unknown, sessionId: string, { isBegun = false } = {}): KeptRow | undefined {
  const record = (found as Record<string, unknown> | null | undefined)?.[ROW] as Kept | null | undefined;
  if (!record) return undefined;
  const { isBegun: isRecordBegun = false, ...kept } = record;
  // A store may take another id for the same: one in capitals, for example.
  if (isRecordBegun !== isBegun || kept.sessionId !== sessionId || !isWhole(kept)) return undefined;
  return {
    ...kept,
    secretHash: toBytes(kept.secretHash),
    nextHash: toBytes(kept.nextHash),
    previousHash: toBytes(kept.previousHash),
    writers: toBytes(kept.writers),
    client: kept.client && { ...kept.client },
  };
}

/** Whether both hold the same row, letter by letter. */
export function isSameRow(one: ConnectRecord, other: ConnectRecord): boolean {
  return JSON.stringify(one[ROW]) === JSON.stringify(other[ROW]);
}

/** One record that somebody has edited must not keep a whole list from being read. */
function isWhole({ data, writers, revision, expires }: Kept): boolean {
  return (
    typeof data === "string" &&
    typeof writers === "string" &&
    Number.isSafeInteger(revision) &&
    Number.isInteger(expires)
  );
}

/**
 * The row that takes the place of a session of express-session: its values, and its cookie under a key of its
 * own. `undefined` where the record is none, is ours (its id is public, so it is not to be opened as a
 * token), or has expired.
 */
export function toAdoptedRow(
  found: unknown,
  { sessionId, secretHash }: LegacyRow,
  now: UnixSeconds,
  { expiration, absoluteExpiration }: Pick<StoreSettings, "expiration" | "absoluteExpiration">,
): KeptRow | undefined {
  if (typeof found !== "object" || found === null || Object.hasOwn(found, ROW)) return undefined;
  const { cookie, ...values } = found as { readonly cookie?: CookieFacts | null };
  if (typeof cookie !== "object" || cookie === null) return undefined;
  const idleSeconds = toIdleSeconds(cookie.originalMaxAge);
  const expires = toUnixSeconds(cookie.expires) ?? now + (idleSeconds ?? expiration);
  if (expires <= now) return undefined;
  return {
    sessionId,
    secretHash,
    data: JSON.stringify({ ...values, [RESERVED_KEY]: cookie }),
    expires: Math.min(expires, now + absoluteExpiration),
    idleSeconds,
    nextHash: null,
    previousHash: null,
    userId: null,
    client: null,
    revision: newRevision(),
    writers: new Uint8Array(),
    createdAt: now,
    visitedAt: now,
    previousVisitAt: 0,
  };
}

/** What express-session keeps of a cookie. */
interface CookieFacts {
  /** Milliseconds; nothing for a cookie that ends with the browser. */
  readonly originalMaxAge?: unknown;
  readonly expires?: unknown;
}

function toUnixSeconds(moment: unknown): UnixSeconds | undefined {
  if (typeof moment !== "string" && typeof moment !== "number" && !(moment instanceof Date)) return undefined;
  const ms = new Date(moment).getTime();
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

function toHex(bytes: Uint8Array): string;
function toHex(bytes: Uint8Array | null): string | null;
function toHex(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

function toBytes(hex: string): Uint8Array;
function toBytes(hex: string | null): Uint8Array | null;
function toBytes(hex: string | null): Uint8Array | null {
  return typeof hex === "string" ? Buffer.from(hex, "hex") : null;
}
