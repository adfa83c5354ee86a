// How long an entry is in the text of a statement, so that statements and queues can be bounded in bytes.
import type { NewSession, WriteAttempt } from "../store.js";

/** Bytes that the entries of one statement may have together, unless one alone has more. */
export const MAX_STATEMENT_BYTES = 1_048_576;

/** `'<32 hex digits>',` and a little to spare. */
export const ID_BYTES = 40;
/**
 * What a new row has besides its values: id, hash, writers, revision, times, and what its client says of
 * itself (at most 1 kB, escaped).
 */
const NEW_ROW_BYTES = 2_560;
/**
 * What a write has besides the values: id, two revisions, `writers` as hexadecimal digits, and four columns
 * of identity.
 */
const WRITE_BYTES = 1_024;

/** One UTF-16 unit is at most three bytes in UTF-8, and a character that is escaped is two bytes long. */
const MOST_BYTES_A_UNIT = 3;
/**
 * A text so short is counted as the most that it can be, which costs nothing to find out: a whole statement
 * of 256 such entries stays within {@link MAX_STATEMENT_BYTES} all the same.
 */
const NOT_WORTH_MEASURING = 900;

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;

/**
 * At most this many bytes of a statement are taken by a JSON text; exact where it is long enough to matter.
 */
export function textBytes(text: string): number {
  return text.length <= NOT_WORTH_MEASURING ? text.length * MOST_BYTES_A_UNIT : exactTextBytes(text);
}

/**
 * The bytes of a JSON text between its quotes in a statement: UTF-8, with a backslash before each quote,
 * apostrophe and backslash. The other characters that MySQL drivers escape are control characters, which a
 * JSON text does not have as such.
 */
export function exactTextBytes(text: string): number {
  let bytes = Buffer.byteLength(text);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE || unit === APOSTROPHE || unit === BACKSLASH) bytes++;
  }
  return bytes;
}

export function insertBytes({ data }: NewSession): number {
  return textBytes(data) + NEW_ROW_BYTES;
}

/**
 * {@link writeBytes} of an attempt that is still to be made, where its text is so short that it is not worth
 * measuring: `mostBytes` is the most that it can be.
 */
export function shortWriteBytes(mostBytes: number): number | undefined {
  return mostBytes <= NOT_WORTH_MEASURING * MOST_BYTES_A_UNIT ? mostBytes + WRITE_BYTES : undefined;
}

export function writeBytes({ data }: WriteAttempt): number {
  return textBytes(data) + WRITE_BYTES;
}
