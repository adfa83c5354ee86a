import type { SessionWatcher } from "./session-host.js";

/** Who has a session open: one in most cases, for whom a set would take more space than all the rest. */
export class Watchers implements Iterable<SessionWatcher> {
  #watchers: SessionWatcher | Set<SessionWatcher> | undefined;

  get size(): number {
    if (this.#watchers === undefined) return 0;
    return this.#watchers instanceof Set ? this.#watchers.size : 1;
  }

  add(watcher: SessionWatcher): void {
    if (this.#watchers === undefined) this.#watchers = watcher;
    else if (this.#watchers instanceof Set) this.#watchers.add(watcher);
    else if (this.#watchers !== watcher) this.#watchers = new Set([this.#watchers, watcher]);
  }

  delete(watcher: SessionWatcher): void {
    if (this.#watchers === watcher) this.#watchers = undefined;
    else if (this.#watchers instanceof Set) this.#watchers.delete(watcher);
  }

  /** Those there are now, whoever comes or goes meanwhile. */
  [Symbol.iterator](): Iterator<SessionWatcher> {
    if (this.#watchers === undefined) return [][Symbol.iterator]();
    return (this.#watchers instanceof Set ? [...this.#watchers] : [this.#watchers])[Symbol.iterator]();
  }
}
