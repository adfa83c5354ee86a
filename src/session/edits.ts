import { SessionError } from "../errors.js";
import type { Credential } from "../token/credential.js";
import type { Apply } from "./changes.js";
import { checkKey, type Entries, setAll, toJsonText, type Values } from "./values.js";

/** Bytes that the values of a session may have, and whose session it is. */
export interface Limit {
  readonly maxBytes: number;
  readonly sessionId: string;
}

/** What `set(key, value)` or `set({ … })` asks for. Errors: `SESSION_VALUE_INVALID`. */
export function toEntries(keyOrValues: unknown, value: unknown): Entries {
  if (typeof keyOrValues !== "object" || keyOrValues === null || Array.isArray(keyOrValues)) {
    checkKey(keyOrValues);
    return [[keyOrValues, toJsonText(keyOrValues, value)]];
  }
  // Of a Map, a Date and their like the entries would be lost in silence.
  if (Object.prototype.toString.call(keyOrValues) !== "[object Object]") {
    throw new SessionError("SESSION_VALUE_INVALID", "several values are set by a plain object");
  }
  let entries: [string, unknown][];
  try {
    entries = Object.entries(keyOrValues);
  } catch (error) {
    throw new SessionError("SESSION_VALUE_INVALID", "the values cannot be read", { cause: error });
  }
  return entries.map(([key, each]) => [key, toJsonText(key, each)]);
}

/** Sets these keys, all or none; `undefined` deletes. Errors: `SESSION_TOO_LARGE`. */
export function setEntries(entries: Entries, limit: Limit): Apply {
  const [first] = entries;
  if (entries.length !== 1 || !first) return allOrNothing((values) => setAll(values, entries), limit);
  // The common case, without a copy of everything.
  const [key, text] = first;
  if (text === undefined) return (values) => values.delete(key);
  return (values) => {
    const bytes = values.bytesWith(key, text);
    checkSize(bytes, values.bytes, limit);
    values.set(key, text, bytes);
  };
}

/**
 * A change that is made all or not at all: what `apply` throws leaves the values as they were. Errors:
 * `SESSION_TOO_LARGE`.
 */
export function allOrNothing(apply: Apply, limit: Limit): Apply {
  return (values: Values) => {
    const target = values.copy();
    apply(target);
    checkSize(target.bytes, values.bytes, limit);
    values.assign(target);
  };
}

/**
 * A change that is checked each time it is run: the session may have become another's since it was asked for.
 */
export function onlyIfAllowed(apply: Apply, by: Credential, sessionId: string): Apply {
  return (values) => {
    by.assertCanOpen(values.compactIdentity, sessionId);
    apply(values);
  };
}

function checkSize(bytes: number, before: number, { maxBytes, sessionId }: Limit): void {
  // What is over the limit already (it was lowered) may still shrink.
  if (bytes <= maxBytes || bytes <= before) return;
  throw new SessionError("SESSION_TOO_LARGE", `${bytes} bytes, the limit is ${maxBytes}`, { sessionId });
}
