import { toJsonText } from "../session/values.js";
import type { Seconds } from "../store.js";

/** What is to be saved of a session, or was read of it. */
export interface Content {
  /** The values as JSON text. */
  readonly texts: ReadonlyMap<string, string>;
  /** The library's own entry beside the values (its `cookie` object), as JSON text; absent: left as it is. */
  readonly entry?: string;
  /**
   * What of that entry has to be saved when it changes; the rest (a time that moves along) is saved along
   * with it.
   */
  readonly mark?: string;
  /**
   * What is saved of the entry where the mark is the same: what has moved along, in the entry as somebody
   * else may have left it.
   */
  readonly mergeEntry?: (entry: unknown) => unknown;
  /** The session's own idle time, which goes with the entry; `null` for the option `expiration`. */
  readonly idleSeconds?: Seconds | null;
}

/** The values of an object as JSON texts, all or none. Errors: `SESSION_VALUE_INVALID`. */
export function toTexts(values: object, isValue: (key: string) => boolean): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(values)) {
    if (!isValue(key)) continue;
    const text = toJsonText(key, value);
    if (text !== undefined) texts.set(key, text);
  }
  return texts;
}
