import { SessionError } from "../errors.js";
import type { Identity, Seconds } from "../store.js";
import { RESERVED_KEY } from "../store.js";
import { type CompactIdentity, NOBODY, toCompactIdentity, toIdentity } from "../token/identity.js";
import { mostEntryBytes, Texts } from "./texts.js";

/** As {@link RESERVED_KEY}, of the time of the login, where the option `maxPerUser` goes by it. */
const LOGIN_KEY = "\u0000login";

/** Of all that are empty: never altered. */
const NO_TEXTS = new Texts();

/** So short a text cannot be nested more deeply than can be written again. */
const SURELY_SHALLOW = 4_096;

/**
 * The values of a session: each kept as its own JSON text, so that what goes in is exactly what comes out,
 * `get` returns a copy by itself, `__proto__` is a key like any other, and writing one key does not serialise
 * the others again.
 */
export class Values {
  #compactIdentity: CompactIdentity;
  /**
   * JSON texts by key; until the first look at one, the text that they came as: most sessions are open long
   * and read seldom.
   */
  #texts: Texts | string;

  private constructor(texts: Texts | string, compactIdentity: CompactIdentity) {
    this.#texts = texts;
    this.#compactIdentity = compactIdentity;
  }

  static empty(): Values {
    return new Values(NO_TEXTS, NOBODY);
  }

  /** Reads a `data` column; throws `SESSION_DATA_INVALID` unless it holds one JSON object. */
  static parse(data: string, sessionId: string, compactIdentity: CompactIdentity = NOBODY): Values {
    if (data === "{}") return new Values(NO_TEXTS, compactIdentity);
    let parsed: unknown;
    try {
      parsed = JSON.parse(data);
      // Parsing takes any depth, writing only what the stack has room for.
      if (data.length > SURELY_SHALLOW) JSON.stringify(parsed);
    } catch {
      throw new SessionError("SESSION_DATA_INVALID", undefined, { sessionId });
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new SessionError("SESSION_DATA_INVALID", undefined, { sessionId });
    }
    return new Values(data, compactIdentity);
  }

  /** Whose session it is and what opens it: beside the values, so that one change can change both. */
  get identity(): Identity {
    return toIdentity(this.#compactIdentity);
  }

  set identity(identity: Identity) {
    this.#compactIdentity = toCompactIdentity(identity, this.#compactIdentity.idleSeconds);
  }

  /** The session's own idle time; `null` where it has none. */
  get idleSeconds(): Seconds | null {
    return this.#compactIdentity.idleSeconds;
  }

  set idleSeconds(idleSeconds: Seconds | null) {
    if (idleSeconds !== this.#compactIdentity.idleSeconds)
      this.#compactIdentity = { ...this.#compactIdentity, idleSeconds };
  }

  /** What is kept under {@link RESERVED_KEY}, as JSON text. */
  get reserved(): string | undefined {
    return this.#unpacked().get(RESERVED_KEY);
  }

  set reserved(text: string) {
    this.#put(RESERVED_KEY, text);
  }

  /** What is kept under {@link LOGIN_KEY}: when the login was, Unix milliseconds. */
  get loggedInAtMs(): number | undefined {
    const value: unknown = JSON.parse(this.#unpacked().get(LOGIN_KEY) ?? "null");
    return typeof value === "number" ? value : undefined;
  }

  set loggedInAtMs(time: number | undefined) {
    if (time !== undefined) this.#put(LOGIN_KEY, String(time));
    else if (this.#unpacked().has(LOGIN_KEY)) this.#unpacked().delete(LOGIN_KEY);
  }

  /** The same as it is kept: one object as long as nothing of it is replaced. */
  get compactIdentity(): CompactIdentity {
    return this.#compactIdentity;
  }

  /** Length of {@link toText} in bytes, but for the time of the login: for that there must always be room. */
  get bytes(): number {
    const texts = this.#unpacked();
    const time = texts.get(LOGIN_KEY);
    const comma = texts.size > 1 ? 1 : 0;
    const own = time === undefined ? 0 : JSON.stringify(LOGIN_KEY).length + 1 + time.length + comma;
    return Buffer.byteLength(this.toText()) - own;
  }

  /** No less than {@link bytes}, and than they are in a statement of SQL: mostly all that is asked for. */
  get mostBytes(): number {
    return this.#unpacked().mostBytes;
  }

  /** {@link mostBytes} with this entry set. */
  mostBytesWith(key: string, text: string): number {
    return this.mostBytes + mostEntryBytes(key, text);
  }

  has(key: string): boolean {
    return !isReserved(key) && this.#unpacked().has(key);
  }

  /** A fresh copy of the value; `undefined` where the key is missing. */
  get(key: string): unknown {
    const text = this.text(key);
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** The value as its JSON text; `undefined` where the key is missing. */
  text(key: string): string | undefined {
    return isReserved(key) ? undefined : this.#unpacked().get(key);
  }

  keys(): Iterable<string> {
    const texts = this.#unpacked();
    const hasReserved = texts.has(RESERVED_KEY) || texts.has(LOGIN_KEY);
    return hasReserved ? [...texts.keys()].filter((key) => !isReserved(key)) : texts.keys();
  }

  /** Keys whose values differ, also where only one of the two has them. */
  differences(other: Values): string[] {
    if (other === this) return [];
    const [ours, theirs] = [this.#unpacked(), other.#unpacked()];
    const keys = new Set([...this.keys(), ...other.keys()]);
    return [...keys].filter((key) => ours.get(key) !== theirs.get(key));
  }

  /** What {@link bytes} would be with this entry set. */
  bytesWith(key: string, text: string): number {
    const values = this.copy();
    values.#put(key, text);
    return values.bytes;
  }

  /** `text` is JSON from {@link toJsonText}. */
  set(key: string, text: string): void {
    refuseReserved(key);
    this.#put(key, text);
  }

  #put(key: string, text: string): void {
    if (this.#unpacked() === NO_TEXTS) this.#texts = new Texts();
    this.#unpacked().set(key, text);
  }

  delete(key: string): void {
    refuseReserved(key);
    this.#unpacked().delete(key);
  }

  clear(): void {
    const { reserved, loggedInAtMs } = this;
    this.#texts = NO_TEXTS;
    if (reserved !== undefined) this.reserved = reserved;
    if (loggedInAtMs !== undefined) this.loggedInAtMs = loggedInAtMs;
  }

  /** Takes over what `other` holds; `other` is not to be used afterwards. */
  assign(other: Values): void {
    this.#texts = other.#texts;
    this.#compactIdentity = other.#compactIdentity;
  }

  copy(): Values {
    const texts = this.#unpacked();
    return new Values(texts.size === 0 ? NO_TEXTS : texts.copy(), this.#compactIdentity);
  }

  /** The texts, taken apart on the first look. */
  #unpacked(): Texts {
    if (typeof this.#texts !== "string") return this.#texts;
    // Aside first: what cannot be taken apart stays as it is.
    const texts = new Texts();
    for (const [key, value] of Object.entries(JSON.parse(this.#texts))) texts.set(key, JSON.stringify(value));
    this.#texts = texts;
    return texts;
  }

  /** One JSON object, as it stands in the `data` column. */
  toText(): string {
    return this.#unpacked().toText();
  }

  /** A fresh plain object of all values. */
  toJSON(): Record<string, unknown> {
    const values = JSON.parse(this.toText());
    delete values[RESERVED_KEY];
    delete values[LOGIN_KEY];
    return values;
  }
}

/** Keys with their JSON texts; `undefined` deletes. */
export type Entries = readonly (readonly [key: string, text: string | undefined])[];

export function setAll(values: Values, entries: Entries): void {
  for (const [key, text] of entries) {
    if (text === undefined) values.delete(key);
    else values.set(key, text);
  }
}

/**
 * The JSON text of a value, or `undefined` for `undefined`, which means "delete". What JSON would drop or
 * change in silence is refused with `SESSION_VALUE_INVALID`: cycles, BigInt, functions, symbols, NaN and
 * infinities, Map and Set. As JSON does, a Date becomes its ISO text, and `undefined` is left out of objects.
 */
export function toJsonText(key: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(value, refuseWhatJsonLoses);
  } catch (error) {
    const reason =
      error instanceof Unsuitable ? error.message : "it cannot be written as JSON (a cycle, or too deep)";
    // The cause of a foreign toJSON is the application's own error, on its way back to the application.
    throw new SessionError("SESSION_VALUE_INVALID", `value of ${shown(key)}: ${reason}`, {
      cause: error,
    });
  }
  // A toJSON that returns undefined.
  if (text === undefined) {
    throw new SessionError("SESSION_VALUE_INVALID", `value of ${shown(key)}: its toJSON gives nothing`);
  }
  return text;
}

function isReserved(key: string): boolean {
  return key === RESERVED_KEY || key === LOGIN_KEY;
}

function refuseReserved(key: string): void {
  if (!isReserved(key)) return;
  throw new SessionError("SESSION_VALUE_INVALID", `the key ${JSON.stringify(key)} is the library's own`);
}

/** Keys are strings, nothing else: `set(7, …)` and `set("7", …)` must not meet by accident. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key === "string") return;
  throw new SessionError(
    "SESSION_VALUE_INVALID",
    `a key must be a string, not ${key === null ? "null" : typeof key}`,
  );
}

/** Keys may be as long as a client makes them; messages may not. */
function shown(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key);
}

class Unsuitable extends Error {}

function refuseWhatJsonLoses(this: unknown, key: string, value: unknown): unknown {
  switch (typeof value) {
    case "function":
    case "symbol":
    case "bigint":
      throw new Unsuitable(`JSON has no ${typeof value}`);
    case "number":
      if (!Number.isFinite(value)) throw new Unsuitable(`JSON has no ${value}`);
      break;
    case "object":
      if (value instanceof Map || value instanceof Set) throw new Unsuitable("JSON would empty a Map or Set");
      break;
    case "undefined":
      // In an array JSON would put null in its place.
      if (Array.isArray(this)) throw new Unsuitable(`JSON has no undefined (array index ${key})`);
      break;
  }
  return value;
}
