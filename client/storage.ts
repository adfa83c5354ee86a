import type { MaybePromise, TokenStorage } from "./types.js";

/** Tokens that live as long as the page, for where there is no storage. One for all sockets, which so share a session. */
const items = new Map<string, string>();
const memory: TokenStorage = {
  getItem: (key) => items.get(key),
  setItem: (key, value) => items.set(key, value),
  removeItem: (key) => items.delete(key),
  getKeys: () => items.keys(),
};
let hasWarned = false;

/** `localStorage` if it lets itself be read: it may be missing, forbidden (then naming it throws), or not what it seems. */
export function defaultStorage(): TokenStorage {
  try {
    localStorage.getItem("");
    return localStorage;
  } catch {
    if (!hasWarned) console.warn("socket.io-token-session: tokens live in memory only");
    hasWarned = true;
    return memory;
  }
}

let turn: Promise<unknown> = Promise.resolve();

/** Runs one step after another: what is read must not change before what follows from it is written. */
export function inTurn<Result>(step: () => MaybePromise<Result>): Promise<Result> {
  const result = turn.then(step);
  turn = result.catch(() => {});
  return result;
}
