import type { MaybePromise, TokenStorage } from "../../../client/types.js";
import { gate } from "../servers/nodes.js";

/** How a storage answers: at once, or by a promise as those of native apps do. */
export const MANNERS = ["sync", "async"] as const;

/** Operations that wait until the test lets them go on. */
export interface Held {
  /** Resolves when the first of them has come. */
  readonly reached: Promise<void>;
  release(): void;
}

type Kind = "read" | "write" | "removal";

/** A storage that keeps what it is given, and fails or waits when its test wants it to. */
export class FaultyStorage implements TokenStorage {
  readonly items: Map<string, string>;
  /** So many of the next operations of each kind fail. */
  readonly failures: Record<Kind, number> = { read: 0, write: 0, removal: 0 };
  readonly #manner: (typeof MANNERS)[number];
  readonly #holds = new Map<Kind, { reach: () => void; opened: Promise<void> }>();

  constructor(manner: (typeof MANNERS)[number] = "sync", items = new Map<string, string>()) {
    this.#manner = manner;
    this.items = items;
  }

  getItem(key: string): MaybePromise<string | null> {
    return this.#run("read", () => this.items.get(key) ?? null);
  }

  setItem(key: string, value: string): MaybePromise<void> {
    return this.#run("write", () => void this.items.set(key, value));
  }

  removeItem(key: string): MaybePromise<void> {
    return this.#run("removal", () => void this.items.delete(key));
  }

  getKeys(): Iterable<string> {
    return this.items.keys();
  }

  /** From now on operations of this kind wait, and then go the way they would have gone at once. */
  hold(kind: Kind): Held {
    const { opened: reached, open: reach } = gate();
    const { opened, open } = gate();
    this.#holds.set(kind, { reach, opened });
    return {
      reached,
      release: () => {
        this.#holds.delete(kind);
        open();
      },
    };
  }

  #run<Result>(kind: Kind, operation: () => Result): MaybePromise<Result> {
    const held = this.#holds.get(kind);
    held?.reach();
    const act = () => {
      if (this.failures[kind] > 0) {
        this.failures[kind]--;
        throw new Error(`the ${kind} failed`);
      }
      return operation();
    };
    if (held) return held.opened.then(act);
    // In a turn of its own, as what comes over a bridge does.
    if (this.#manner === "async") return new Promise<void>((resolve) => setImmediate(resolve)).then(act);
    return act();
  }
}
