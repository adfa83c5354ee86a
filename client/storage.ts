import { doNothing } from "./mint-lock.js";
import type { MaybePromise, TokenStorage } from "./types.js";

type Items = Record<string, string>;

let memory: TokenStorage | undefined;

/**
 * `localStorage` if it lets itself be read: it may be missing, forbidden (then naming it throws), or not what
 * it seems. Else one that lives as long as the page, for all sockets, which so share a session.
 */
export function defaultStorage(): TokenStorage {
  try {
    localStorage.getItem("");
    return localStorage;
  } catch {
    if (!memory) {
      console.warn("tokenSession in memory only");
      // The items are properties, as they are of localStorage.
      memory = {
        getItem(this: Items, key: string) {
          return this[key];
        },
        setItem(this: Items, key: string, value: string) {
          this[key] = value;
        },
        removeItem(this: Items, key: string) {
          delete this[key];
        },
      } as TokenStorage;
    }
    return memory;
  }
}

/** Throws at what is no storage: that would show, again and again, only when a token is to be read. */
export function checkStorage({ getItem, setItem, removeItem }: Partial<TokenStorage>): void {
  if (!(getItem && setItem && removeItem)) throw new TypeError("storage needs getItem, setItem, removeItem");
}

let turn: Promise<unknown> = doNothing();

/** Runs one step after another: what is read must not change before what follows from it is written. */
export function runInTurn<Result>(step: () => MaybePromise<Result>): Promise<Result> {
  const result = turn.then(step);
  turn = result.catch(doNothing);
  return result;
}
