/**
 * The values that your sessions hold. Augment it and keys and values are checked everywhere; left alone, any
 * key is allowed and values are `unknown`.
 *
 * @example
 * declare module "socket.io-token-session" {
 *   interface SessionData {
 *     userId: number;
 *     cart: { id: string; count: number }[];
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: applications fill it by declaration merging.
export interface SessionData {}

/** Keys of a session: those of {@link SessionData}, or any string while nothing has been declared there. */
export type SessionKey = keyof SessionData extends never ? string : keyof SessionData & string;

/** Type of the value under a key. */
export type SessionValue<Key extends SessionKey> = Key extends keyof SessionData ? SessionData[Key] : unknown;

/** Several values at once; `undefined` deletes. */
export type SessionValues = keyof SessionData extends never
  ? Record<string, unknown>
  : { [Key in keyof SessionData]?: SessionData[Key] | undefined };

/** A draft of the values of a session, to be changed at will: what `update` and `withSession` give. */
export type SessionDraft = keyof SessionData extends never
  ? // biome-ignore lint/suspicious/noExplicitAny: nothing is declared, so that nothing can be checked.
    Record<string, any>
  : { -readonly [Key in keyof SessionData]?: SessionData[Key] | undefined };
