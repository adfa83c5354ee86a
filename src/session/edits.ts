import { SessionError } from "../errors.js";
import { checkKey, type Entries, setAll, toJsonText, type Values } from "./values.js";

/** Bytes that the values of a session may have, and whose session it is. */
export interface Limit {
  readonly maxBytes: number;
  readonly id: string;
}

/**
 * Changes some values; run again when others wrote meanwhile, so it may depend on nothing else. Throws if it
 * cannot be.
 */
export type Apply = (values: Values) => void;

/** A change that leaves the values as they were where it throws. */
export interface Edit {
  applyTo(values: Values, limit: Limit): void;
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
export function setEntries(entries: Entries): Edit {
  const [first] = entries;
  if (entries.length !== 1 || !first) return allOrNothing((values) => setAll(values, entries));
  return new KeyEdit(...first);
}

/** The common case: one key is set or deleted, without a copy of everything. */
class KeyEdit implements Edit {
  readonly #key: string;
  readonly #text: string | undefined;

  constructor(key: string, text: string | undefined) {
    this.#key = key;
    this.#text = text;
  }

  applyTo(values: Values, limit: Limit): void {
    const key = this.#key;
    if (this.#text === undefined) return values.delete(key);
    if (values.mostBytesWith(key, this.#text) > limit.maxBytes)
      checkSize(values.bytesWith(key, this.#text), values.bytes, limit);
    values.set(key, this.#text);
  }
}

/**
 * A change that is made all or not at all: what `apply` throws leaves the values as they were. Errors:
 * `SESSION_TOO_LARGE`.
 */
export function allOrNothing(apply: Apply): Edit {
  return {
    applyTo(values, limit) {
      const target = values.copy();
      apply(target);
      if (target.mostBytes > limit.maxBytes) checkSize(target.bytes, values.bytes, limit);
      values.assign(target);
    },
  };
}

function checkSize(bytes: number, before: number, { maxBytes, id: sessionId }: Limit): void {
  // What is over the limit already (it was lowered) may still shrink.
  if (bytes <= maxBytes || bytes <= before) return;
  throw new SessionError("SESSION_TOO_LARGE", `${bytes} bytes, the limit is ${maxBytes}`, { sessionId });
}
