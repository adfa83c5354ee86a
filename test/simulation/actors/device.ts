import type { DeviceKind } from "../plan/plan.js";
import type { World } from "../world/world.js";
import { Jar } from "./jar.js";
import { OldPage } from "./old-page.js";
import { Page } from "./page.js";

/** A device: what it has stored, and its pages, one after the other or several. */
export class Device {
  readonly name: string;
  /** Where its token is: in its storage, in the bridge's cookie; or it has a cookie of express-session. */
  readonly kind: DeviceKind;
  readonly items = new Map<string, string>();
  readonly jar = new Jar();
  /** As it was before, where somebody has kept it. */
  #kept: ReadonlyMap<string, string> | undefined;
  readonly #world: World;
  readonly pages: (Page | OldPage | undefined)[] = [];
  /** Its storage throws. */
  fails: { readonly reading: boolean; readonly writing: boolean } = { reading: false, writing: false };
  readonly #storages = new WeakMap<object, object>();
  #opened = 0;
  #createdAtMs = Number.NEGATIVE_INFINITY;

  constructor(world: World, name: string, kind: DeviceKind = "token") {
    this.#world = world;
    this.kind = kind;
    this.name = name;
  }

  /** `localStorage` of a page: the other pages of the device hear of what it stores. */
  storageOf(page: Page) {
    const storage = {
      getItem: (key: string) => {
        if (this.fails.reading) this.#fail("storage cannot be read");
        return this.items.get(key) ?? null;
      },
      setItem: (key: string, value: string) => {
        if (this.fails.writing) {
          // Kept in memory: it goes with the page.
          if (this.items.get(key)?.split(".")[0] !== value.split(".")[0])
            this.#world.ledger.identities.mayLose(this.name);
          this.#fail("storage cannot be written");
        }
        this.items.set(key, value);
        this.#world.timeline.tell(page.process.name, () => `stores ${value.slice(28, 36)}`);
        this.#tell(page, key, value);
      },
      removeItem: (key: string) => {
        this.items.delete(key);
        this.#tell(page, key, null);
      },
    };
    this.#storages.set(page, storage);
    return storage;
  }

  #fail(what: string): never {
    this.#world.count(what);
    throw new Error(what);
  }

  #tell(from: Page, key: string, newValue: string | null): void {
    for (const page of this.pages)
      if (page && page !== from)
        page.hear("storage", { storageArea: this.#storages.get(page), key, newValue });
  }

  /**
   * With the bridge, tabs may each get a first session at the same time, and all end up on one of them when
   * they connect the next time (docs/client.md). Tells whether a session is such another one.
   */
  isBegunTwice(isCreated: boolean): boolean {
    const { nowMs } = this.#world.timeline;
    if (this.kind !== "bridge" || !isCreated) return false;
    const isSoon = nowMs - this.#createdAtMs < 10_000;
    this.#createdAtMs = nowMs;
    return isSoon;
  }

  /** The token that is stored. */
  get token(): string | undefined {
    return this.kind === "bridge" ? this.jar.get("session-token") : [...this.items.values()][0];
  }

  /** A backup is made of it. */
  keep(): void {
    this.#kept ??= new Map(this.items);
  }

  /** The backup is put back, as if nothing had been stored since. Answers whether that makes a difference. */
  putBack(): boolean {
    const kept = this.#kept;
    if (!kept || kept.size === 0 || [...kept].every(([key, value]) => this.items.get(key) === value))
      return false;
    this.items.clear();
    for (const [key, value] of kept) this.items.set(key, value);
    return true;
  }

  /** Opens a page in a tab, in place of the one that is there. */
  open(tab: number): void {
    this.pages[tab]?.close();
    const Kind = this.#world.isOld(this.name) ? OldPage : Page;
    this.pages[tab] = new Kind(this, this.#world, `${this.name}.tab${tab}.${++this.#opened}`);
  }

  close(tab: number): void {
    this.pages[tab]?.close();
    this.pages[tab] = undefined;
  }
}
