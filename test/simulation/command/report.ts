import type { Done } from "./worker.js";

/** Says how far a search is, and at its end what has happened in it. */
export class Report {
  readonly #seeds: number;
  readonly #beganAt = performance.now();
  readonly #shares = new Map<string, number>();
  #saidAt = 0;
  #done = 0;
  #events = 0;
  #findings = 0;

  constructor(seeds: number) {
    this.#seeds = seeds;
  }

  add({ effects, events, findings }: Done): void {
    this.#done++;
    this.#events += events;
    if (findings.length > 0) this.#findings++;
    for (const what of effects) this.#shares.set(what, (this.#shares.get(what) ?? 0) + 1);
    const now = performance.now();
    if (now - this.#saidAt < 5_000) return;
    this.#saidAt = now;
    this.say(this.#progress());
  }

  say(text: string): void {
    console.log(text);
  }

  end(): void {
    console.log(`${this.#progress()}; ${Math.round(this.#events / Math.max(1, this.#done))} events a run`);
    console.log("share of the runs in which it took effect:");
    for (const [what, count] of [...this.#shares].sort(([one], [other]) => (one < other ? -1 : 1)))
      console.log(`  ${((count / this.#done) * 100).toFixed(1).padStart(5)} %  ${what}`);
  }

  #progress(): string {
    const minutes = (performance.now() - this.#beganAt) / 60_000;
    return `${this.#done} of ${this.#seeds} seeds, ${Math.round(this.#done / minutes)} a minute, ${this.#findings} with findings`;
  }
}
