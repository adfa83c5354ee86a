import type { Span } from "../database/weather.js";
import type { SimulatedProcess } from "../world/process.js";
import type { Random } from "../world/random.js";

/** One end of a line. */
export interface End {
  readonly process: SimulatedProcess;
  hear(packet: string): void;
  /** The other end has closed it, or the network has. */
  closed(): void;
}

/** What may happen to what is sent between pages and nodes. */
export interface NetworkWeather {
  way: Span;
  /** That a packet takes longer, up to {@link slowMs}; what follows waits behind it. */
  slow: number;
  slowMs: number;
  /** That the connection is cut as something is sent, which is lost. */
  cut: number;
  /** The same of a new token, or of what confirms it. */
  cutAtToken?: number;
}

/**
 * A connection between a page and a node: what is sent arrives in order or not at all. Where the network has
 * cut it, either end hears of it at once, later, or never, until a ping is not answered.
 */
export class Line {
  readonly #weather: NetworkWeather;
  readonly #random: Random;
  readonly #count: (what: string) => void;
  readonly #ends: [End | undefined, End | undefined] = [undefined, undefined];
  readonly #freeAtMs: [number, number] = [0, 0];
  /** Nothing gets through any more. */
  #isCut = false;
  readonly #isClosed: [boolean, boolean] = [false, false];

  constructor(weather: NetworkWeather, random: Random, count: (what: string) => void) {
    this.#weather = weather;
    this.#random = random;
    this.#count = count;
  }

  join(side: 0 | 1, end: End): void {
    this.#ends[side] = end;
  }

  get isOpen(): boolean {
    return !this.#isCut;
  }

  /** From the end `side`. */
  send(side: 0 | 1, packets: readonly string[]): void {
    for (const packet of packets) {
      if (this.#isCut) return;
      const { cutAtToken = 0 } = this.#weather;
      const isOfToken = packet.startsWith("43") || packet.includes('["gotToken"');
      if (cutAtToken > 0 && isOfToken && this.#random.chance(cutAtToken)) {
        this.#count(side === 0 ? "cut at a confirmation" : "cut at a new token or an answer");
        return this.cut();
      }
      if (this.#random.chance(this.#weather.cut)) {
        this.#count("network cut");
        return this.cut();
      }
      this.#deliver(side, "packet", (end) => end.hear(packet));
    }
  }

  /** By the end `side` itself. */
  close(side: 0 | 1): void {
    this.#isClosed[side] = true;
    if (this.#isCut) return;
    this.#deliver(side, "close", (end, other) => this.#tellClosed(end, other));
    this.#isCut = true;
  }

  /** By the network. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    for (const side of [0, 1] as const) {
      const heard = this.#random.next();
      // An end that hears nothing finds out by its own pings.
      if (heard < 0.2) continue;
      const delayMs = heard < 0.7 ? 0 : this.#random.between(0, 5_000);
      const end = this.#ends[side];
      end?.process.receive(delayMs, "line cut", () => this.#tellClosed(end, side));
    }
  }

  /** Each end that has not heard that it is cut hears of it now. */
  tell(): void {
    if (!this.#isCut) return;
    for (const side of [0, 1] as const) {
      const end = this.#ends[side];
      end?.process.receive(0, "line cut", () => this.#tellClosed(end, side));
    }
  }

  #tellClosed(end: End, side: 0 | 1): void {
    if (this.#isClosed[side]) return;
    this.#isClosed[side] = true;
    end.closed();
  }

  #deliver(from: 0 | 1, what: string, run: (end: End, side: 0 | 1) => void): void {
    const side = from === 0 ? 1 : 0;
    const end = this.#ends[side];
    if (!end) return;
    const { way, slow, slowMs } = this.#weather;
    const { nowMs } = end.process.timeline;
    const isSlow = this.#random.chance(slow);
    const wayMs = this.#random.between(...way) + (isSlow ? this.#random.between(0, slowMs) : 0);
    if (isSlow) this.#count("network slow");
    const atMs = Math.max(this.#freeAtMs[side], nowMs + wayMs);
    this.#freeAtMs[side] = atMs;
    // What is on its way when the connection is cut is lost; but not what an end sent before it closed.
    const wasOpen = () => !this.#isClosed[side];
    end.process.timeline.at(atMs, end.process, what, () => {
      if (wasOpen()) run(end, side);
    });
    // Two packets at the same millisecond keep their order.
    this.#freeAtMs[side] = atMs + 1;
  }
}
