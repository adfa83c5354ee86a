import type { Span } from "../database/weather.js";
import type { SimulatedProcess } from "../world/process.js";
import type { Random } from "../world/random.js";
import { RecoveryLog } from "./recovery-log.js";

/** What may happen to what nodes tell each other. */
export interface BusWeather {
  way: Span;
  lost: number;
  doubled: number;
  slow: number;
  slowMs: number;
  /** It is away: sending fails. */
  isAway: boolean;
}

interface Member {
  readonly process: SimulatedProcess;
  readonly hear: (message: string) => void;
}

/** What stands between the nodes: it loses, delays, doubles and reorders what they tell each other. */
export class Bus {
  readonly weather: BusWeather = { way: [0, 3], lost: 0, doubled: 0, slow: 0, slowMs: 0, isAway: false };
  readonly #members = new Set<Member>();
  readonly #random: Random;
  readonly #count: (what: string) => void;
  readonly log: RecoveryLog;
  /** Is told of each message just before a process hears it. */
  onDelivery: ((process: SimulatedProcess, text: string) => void) | undefined;

  constructor(random: Random, count: (what: string) => void) {
    this.#random = random;
    this.#count = count;
    this.log = new RecoveryLog(random.stream("log"));
  }

  get size(): number {
    return [...this.#members].filter(({ process }) => process.isAlive).length;
  }

  join(process: SimulatedProcess, hear: (message: string) => void): void {
    for (const member of this.#members) if (!member.process.isAlive) this.#members.delete(member);
    this.#members.add({ process, hear });
  }

  /** Rejects where it is away. */
  async publish(from: SimulatedProcess, message: object, only?: (hear: Member) => boolean): Promise<string> {
    const { weather } = this;
    if (weather.isAway) {
      this.#count("bus away");
      throw new Error("the bus is away");
    }
    const offset = this.log.add(message);
    const text = JSON.stringify({ ...message, offset });
    for (const member of this.#members) {
      if (member.process === from || (only && !only(member))) continue;
      if (this.#happens("announcement lost", weather.lost)) continue;
      this.#deliver(member, text);
      if (this.#happens("announcement doubled", weather.doubled)) this.#deliver(member, text);
    }
    return offset;
  }

  #deliver({ process, hear }: Member, text: string): void {
    const isSlow = this.#happens("announcement late", this.weather.slow);
    const slowMs = isSlow ? this.#random.between(0, this.weather.slowMs) : 0;
    process.receive(this.#random.between(...this.weather.way) + slowMs, "announcement", () => {
      this.onDelivery?.(process, text);
      hear(text);
    });
  }

  #happens(what: string, probability: number): boolean {
    if (!this.#random.chance(probability)) return false;
    this.#count(what);
    return true;
  }
}

interface AdapterBase {
  uid: string;
  onMessage(message: object, offset?: string): void;
  onResponse(response: object): void;
}

/**
 * An adapter for Socket.IO servers that are joined by this bus; `base` is Socket.IO's own `ClusterAdapter`.
 */
export function busAdapter(
  base: unknown,
  bus: Bus,
  { process, recovers }: { process: SimulatedProcess; recovers: boolean },
) {
  const Base = base as new (namespace: object) => AdapterBase;
  return class extends Base {
    constructor(namespace: { name: string }) {
      super(namespace);
      bus.join(process, (text) => {
        const message = JSON.parse(text) as { nsp: string; to?: string; uid: string; offset: string };
        if (message.nsp !== namespace.name || message.uid === this.uid) return;
        if (message.to === undefined) this.onMessage(message, message.offset);
        else if (message.to === this.uid) this.onResponse(message);
      });
    }

    doPublish(message: object): Promise<string> {
      return bus.publish(process, message);
    }

    doPublishResponse(to: string, response: object): Promise<string> {
      return bus.publish(process, { ...response, to });
    }

    async serverCount(): Promise<number> {
      return bus.size;
    }

    persistSession(state: Parameters<RecoveryLog["persist"]>[0]): void {
      if (recovers && !bus.weather.isAway) bus.log.persist(state);
    }

    async restoreSession(pid: string, offset: string): Promise<object> {
      if (!recovers || bus.weather.isAway) throw new Error("the bus is away");
      return bus.log.restore(process, pid, offset);
    }
  };
}
