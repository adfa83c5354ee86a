import { ignoreRejection, isThenable } from "../base/promises.js";
import { SessionError } from "../errors.js";
import type { Apply } from "../session/edits.js";
import { type Entries, setAll, toJsonText, type Values } from "../session/values.js";

/** A plain object of copies that a handler may change as it likes. */
export type DraftObject = Record<string, unknown>;

/** Without a prototype, as in the row, every key is a key like any other: `__proto__` too. */
export function newDraft(values: Values): DraftObject {
  return Object.assign(Object.create(null), values.toJSON());
}

/**
 * What has to be set or deleted so that `values` come to hold what `draft` holds. Errors:
 * `SESSION_VALUE_INVALID`.
 */
export function changesOf(draft: unknown, values: Values): Entries {
  if (Object.prototype.toString.call(draft) !== "[object Object]")
    throw new SessionError("SESSION_VALUE_INVALID", "the values of a session are a plain object");
  const entries: [string, string | undefined][] = [];
  const missing = new Set(values.keys());
  for (const [key, value] of Object.entries(draft as DraftObject)) {
    const text = toJsonText(key, value);
    if (text !== undefined) missing.delete(key);
    if (text !== values.text(key)) entries.push([key, text]);
  }
  for (const key of missing)
    if (!entries.some(([changed]) => changed === key)) entries.push([key, undefined]);
  return entries;
}

/** Runs `fn` on a draft of the values; what it returned in the run that counted is told to `keep`. */
export function applyUpdate<Result>(
  fn: (draft: DraftObject) => Result,
  keep: (result: Result) => void,
): Apply {
  return (values) => {
    const draft = newDraft(values);
    const result = fn(draft);
    if (isThenable(result)) {
      // It is refused; what becomes of it must not end the process.
      ignoreRejection(result);
      throw new SessionError("SESSION_UPDATE_FAILED", "it must be synchronous");
    }
    setAll(values, changesOf(draft, values));
    keep(result);
  };
}

/**
 * Saves by key what a handler made of a draft of `before`; throws `SESSION_CONFLICT` where a key has changed
 * since.
 */
export function applyEntries(entries: Entries, before: Values): Apply {
  const known = new Map(entries.map(([key]) => [key, before.text(key)]));
  return (values) => {
    for (const [key, text] of known) {
      if (values.text(key) !== text) throw new SessionError("SESSION_CONFLICT");
    }
    setAll(values, entries);
  };
}
