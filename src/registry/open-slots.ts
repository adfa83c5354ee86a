/**
 * What carries the requests of one client, or of a proxy before many: a connection of Engine.IO or of HTTP.
 */
export interface Connection {
  on(event: "close", listener: () => void): unknown;
  removeListener(event: "close", listener: () => void): unknown;
}

export interface OpenLimits {
  /** Opens under way at once. */
  readonly atOnce: number;
  /** Opens that wait for that. */
  readonly waiting: number;
  /** Of these, so many for one and the same thing, a namespace. */
  readonly waitingAlike?: number;
}

interface Waiting {
  readonly what: unknown;
  readonly resolve: (isTurn: boolean) => void;
}

/** There for connections of which something is being opened. */
const all = new WeakMap<object, OpenSlots>();

/**
 * How many sessions are being opened for one connection. A client may ask for as many as it likes on it (by
 * sockets of many namespaces, by many sockets of one, by requests sent ahead): they are opened a few at a
 * time, so that what one connection sends is never a queue for all.
 */
export class OpenSlots {
  readonly #connection: Connection;
  readonly #limits: OpenLimits;
  #underWay = 0;
  /** There where more is asked for than may begin, which is seldom. */
  #queue: Queue | undefined;

  private constructor(connection: Connection, limits: OpenLimits) {
    this.#connection = connection;
    this.#limits = limits;
  }

  /** To be asked for anew each time: it is gone when nothing is under way. */
  static of(connection: Connection, limits: OpenLimits): OpenSlots {
    let opens = all.get(connection);
    if (!opens) {
      opens = new OpenSlots(connection, limits);
      all.set(connection, opens);
    }
    return opens;
  }

  /** Whether one more may begin now; counts it if so, until {@link release}. */
  tryAcquire(): boolean {
    if (this.#underWay >= this.#limits.atOnce) return false;
    this.#underWay++;
    return true;
  }

  /**
   * Waits until `who` may begin, which is counted then: `true`; `false` where it never will, because it has
   * been dropped or the connection has gone. `undefined` where that is one too many.
   */
  acquire(who: object, what?: unknown): Promise<boolean> | undefined {
    this.#queue ??= new Queue(this.#connection);
    const { waiting, waitingAlike = waiting } = this.#limits;
    if (this.#queue.size >= waiting || this.#queue.countOf(what) >= waitingAlike) return undefined;
    return this.#queue.wait(who, what);
  }

  /** Nobody waits for it any more. */
  static cancel(connection: Connection, who: object): void {
    const opens = all.get(connection);
    if (opens) opens.#queue?.cancel(who);
  }

  /** One that had begun is over. */
  release(): void {
    if (this.#queue?.resolveNext()) return;
    this.#underWay--;
    if (this.#underWay === 0) all.delete(this.#connection);
  }
}

/** What waits for a connection, in the order of asking, as long as that is open. */
class Queue {
  readonly #connection: Connection;
  readonly #waiting = new Map<object, Waiting>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get size(): number {
    return this.#waiting.size;
  }

  countOf(what: unknown): number {
    let count = 0;
    for (const waiting of this.#waiting.values()) if (waiting.what === what) count++;
    return count;
  }

  wait(who: object, what: unknown): Promise<boolean> {
    if (this.#waiting.size === 0) this.#connection.on("close", this.#cancelAll);
    return new Promise((resolve) => {
      this.#waiting.set(who, { what, resolve });
    });
  }

  cancel(who: object): void {
    this.#take(who)?.resolve(false);
  }

  /** Tells the next that it is its turn; answers whether there is one. */
  resolveNext(): boolean {
    const [next] = this.#waiting.keys();
    if (!next) return false;
    this.#take(next)?.resolve(true);
    return true;
  }

  #take(who: object): Waiting | undefined {
    const waiting = this.#waiting.get(who);
    if (!waiting) return undefined;
    this.#waiting.delete(who);
    if (this.#waiting.size === 0) this.#connection.removeListener("close", this.#cancelAll);
    return waiting;
  }

  readonly #cancelAll = () => {
    for (const who of [...this.#waiting.keys()]) this.cancel(who);
  };
}
