import { doNothing } from "./mint-lock.js";
import { checkStorage } from "./storage.js";
import type { ClientOptions, TokenStorage } from "./types.js";

/** The public id in a token; `""` of one of the old package, which is one piece, all of it secret. */
export const idOf = (token: string) => token.replace(/\.?[^.]*$/, "");

/** The token of one identity of this device: where it is kept now, and where it was kept before. */
export function createStoredToken(
  storage: TokenStorage,
  origin: string,
  {
    key: base = `socket.io-token-session.${origin.replace(/[^\w.-]/g, "_")}`,
    identity = "",
    migrateFrom,
  }: Pick<ClientOptions, "key" | "identity" | "migrateFrom">,
) {
  checkStorage(storage);
  const { storage: from = storage, key: old = base } = migrateFrom ?? {};
  checkStorage(from);
  const keyOf = (name: string) => base + (name && `__${name}`);
  const first = keyOf(identity);
  const stored = {
    itemKey: first,
    /**
     * A token that opens nothing any more, and counts for none where it can neither be replaced nor removed.
     */
    ...({} as { invalidToken?: string }),
    /** Takes the token away from where it was before, once it is stored. */
    removeMigrated: doNothing as () => Promise<unknown>,

    async readToken(): Promise<string | null | undefined> {
      const raw = await storage.getItem(stored.itemKey);
      // What stands for a token is the same for all tokens of a session: it may come back, and open it.
      if (storage.present || !raw || raw !== stored.invalidToken) return raw;
      return undefined;
    },

    /**
     * The token that is stored, from where it was before if need be: `""` is left by `forget()`, but a value
     * that is missing was dropped by nobody, and what is held still counts.
     */
    async readOrHeld(held: string): Promise<string> {
      let raw = await stored.readToken();
      stored.removeMigrated = doNothing;
      if (raw == null && migrateFrom && stored.itemKey === first) {
        raw = await from.getItem(old);
        if (!raw) return held;
        stored.removeMigrated = async () => from.removeItem(old);
      }
      return raw ?? held;
    },

    /** Goes on as this identity. */
    useKeyOf(name: string) {
      stored.itemKey = keyOf(name);
    },

    async identities(): Promise<string[]> {
      const found: string[] = [];
      for (const key of await (storage.getKeys?.() ?? Object.keys(storage))) {
        const name = key.slice(base.length + 2);
        if (key === keyOf(name) && (await storage.getItem(key))) found.push(name);
      }
      return found;
    },
  };
  return stored;
}
