import type { Apply } from "./changes.js";
import { SessionError } from "./errors.js";
import { type Entries, setAll, type Values } from "./values.js";

/** Bytes that the values of a session may have, and whose session it is. */
export interface Limit {
  readonly maxBytes: number;
  readonly sessionId: string;
}

/** Sets these keys, all or none; `undefined` deletes. Errors: `SESSION_TOO_LARGE`. */
export function setting(entries: Entries, limit: Limit): Apply {
  const [first] = entries;
  if (entries.length !== 1 || !first) return wholly((values) => setAll(values, entries), limit);
  // The common case, without a copy of everything.
  const [key, text] = first;
  if (text === undefined) return (values) => values.delete(key);
  return (values) => {
    checkSize(values.bytesWith(key, text), values.bytes, limit);
    values.set(key, text);
  };
}

/** A change that is made all or not at all: what `apply` throws leaves the values as they were. Errors: `SESSION_TOO_LARGE`. */
export function wholly(apply: Apply, limit: Limit): Apply {
  return (values: Values) => {
    const target = values.copy();
    apply(target);
    checkSize(target.bytes, values.bytes, limit);
    values.assign(target);
  };
}

function checkSize(bytes: number, before: number, { maxBytes, sessionId }: Limit): void {
  // What is over the limit already (it was lowered) may still shrink.
  if (bytes <= maxBytes || bytes <= before) return;
  throw new SessionError("SESSION_TOO_LARGE", `${bytes} bytes, the limit is ${maxBytes}`, { sessionId });
}
