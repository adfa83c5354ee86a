import type { SimulatedProcess } from "../world/process.js";
import type { Random } from "../world/random.js";

/** What Socket.IO keeps of a socket that was disconnected. */
interface Persisted {
  readonly sid: string;
  readonly pid: string;
  readonly rooms: readonly string[];
  readonly data: unknown;
}

interface Entry {
  readonly offset: string;
  readonly nsp: string;
  readonly type: number;
  readonly data?: {
    packet: { type: number; data: unknown[] };
    opts: { rooms: string[]; except: string[] };
    requestId?: string;
  };
}

const BROADCAST = 3;

/**
 * What all nodes have together so that sockets can come back to any of them: the messages in their order, and
 * the state of sockets that have gone, each given once. As Redis streams keep it.
 */
export class RecoveryLog {
  readonly #entries: Entry[] = [];
  readonly #persisted = new Map<string, string>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Gives the offset of a message: `""` of what nobody comes back to. */
  add(message: object): string {
    const { nsp, type, data } = message as Entry;
    if (type !== BROADCAST || data?.requestId !== undefined) return "";
    const offset = `${this.#entries.length + 1}-0`;
    // As it is now: the adapter puts the offset into it.
    const kept = structuredClone({
      packet: { type: data?.packet.type, data: data?.packet.data },
      opts: data?.opts,
    });
    this.#entries.push({ offset, nsp, type, data: kept } as Entry);
    return offset;
  }

  persist(state: Persisted): void {
    this.#persisted.set(state.pid, JSON.stringify(state));
  }

  async restore(process: SimulatedProcess, pid: string, offset: string): Promise<object> {
    const state = this.#persisted.get(pid);
    this.#persisted.delete(pid);
    const at = this.#entries.findIndex((entry) => entry.offset === offset);
    await new Promise<void>((resolve) =>
      process.receive(this.#random.between(0, 3), "state restored", resolve),
    );
    if (!state || at < 0) throw new Error("session or offset not found");
    const session = JSON.parse(state) as Persisted;
    const missedPackets = this.#entries
      .slice(at + 1)
      .filter(({ data }) => data?.packet.type === 2 && isFor(session.rooms, data.opts))
      .map(({ data, offset }) => [...(data?.packet.data ?? []), offset]);
    return { ...session, missedPackets };
  }
}

function isFor(rooms: readonly string[], opts: { rooms: string[]; except: string[] }): boolean {
  const isIncluded = opts.rooms.length === 0 || rooms.some((room) => opts.rooms.includes(room));
  return isIncluded && rooms.every((room) => !opts.except.includes(room));
}
