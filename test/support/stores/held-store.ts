import { MemoryStore } from "express-session";

type Method = "get" | "set" | "destroy";
// biome-ignore lint/suspicious/noExplicitAny: the arguments of any of the three.
type Call = (...args: any[]) => void;

/** A MemoryStore of express-session whose answers a test can keep back, or replace. */
export class HeldStore extends MemoryStore {
  /** Calls up to now, in order. */
  readonly calls: string[] = [];
  readonly #next = new Map<Method, (run: () => void, done: (error?: unknown) => void) => unknown>();

  constructor() {
    super();
    for (const method of ["get", "set", "destroy"] as const) {
      const run = MemoryStore.prototype[method] as Call;
      (this as Record<Method, Call>)[method] = (...args) => {
        this.calls.push(method);
        const instead = this.#next.get(method);
        this.#next.delete(method);
        const go = () => run.apply(this, args);
        return instead ? instead(go, args.at(-1)) : go();
      };
    }
  }

  /** Keeps the next call of this method from running; gives what runs it. */
  hold(method: Method): () => void {
    let go = () => {};
    this.#next.set(method, (run) => {
      go = run;
    });
    return () => go();
  }

  /** Has the next call of this method do something else: `done` is its callback. */
  replace(method: Method, instead: (done: (error?: unknown) => void) => unknown): void {
    this.#next.set(method, (_, done) => instead(done));
  }
}
