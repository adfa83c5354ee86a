import type { BroadcastOperator, DefaultEventsMap, Namespace } from "socket.io";
import { hasClusterAdapter } from "./cluster-adapter.js";
import { capturePromises } from "./dropped-promises.js";

// biome-ignore lint/suspicious/noExplicitAny: as in Socket.IO's declarations.
export type Any = any;
/** Events and the types of their listeners, as Socket.IO's servers are given them. */
export interface EventsMap {
  [event: string]: Any;
}
// Socket.IO does not export what its own operators change in the types of acknowledgements.
type EventsOf<Operator> = Operator extends BroadcastOperator<infer Events, Any> ? Events : never;
/** Each acknowledgement is a list: of what several clients have answered. */
type ByMany<Events extends EventsMap> = EventsOf<ReturnType<Namespace<DefaultEventsMap, Events>["to"]>>;
/** Each acknowledgement may be an error. */
type InTime<Events extends EventsMap> = EventsOf<ReturnType<BroadcastOperator<Events, Any>["timeout"]>>;

/**
 * What {@link SessionBroadcast} can do; `Events` are those of the server, with acknowledgements as several
 * clients give them.
 */
export interface BroadcastMethods<Events extends EventsMap = EventsMap> {
  /**
   * Leaves out the sockets in these rooms.
   *
   * @example
   * sessions.toUser(socket.session.userId).except(socket.id).emit("read", messageId);
   */
  except(room: string | string[]): BroadcastMethods<Events>;
  /** How many milliseconds acknowledgements may take; whoever wants some has to say it. */
  timeout(ms: number): BroadcastMethods<InTime<Events>>;
  /** Whether to compress what is sent. */
  compress(compress: boolean): BroadcastMethods<Events>;
  /** What is sent may be lost where a client's connection is busy. */
  readonly volatile: BroadcastMethods<Events>;
  /**
   * Only to sockets of this server. With a cluster adapter, acknowledgements of such an event never are
   * complete, as in Socket.IO.
   */
  readonly local: BroadcastMethods<Events>;
  /**
   * Sends an event. With a function as the last argument, that is called with `(error, responses)` when all
   * clients have answered or the time is over. Errors: `SESSION_CLOSED`. Returns `true`.
   */
  emit: BroadcastOperator<Events, Any>["emit"];
  /**
   * Sends an event, and resolves to what all clients have answered. Rejects where one has not in time; the
   * error's `responses` are those that came. Errors: `SESSION_CLOSED`.
   */
  emitWithAck: BroadcastOperator<Events, Any>["emitWithAck"];
}

/**
 * What `sessions.toUser(id)` and `sessions.toSession(id)` give: sends to all sockets that have one of a
 * user's sessions, or this one, open. Its methods are those of Socket.IO's `io.to(room)`. It can be kept, and
 * sends to those who are there each time. `Events`: what the server sends, as in
 * `Server<ClientToServerEvents, ServerToClientEvents>`.
 */
export type SessionBroadcast<Events extends EventsMap = DefaultEventsMap> = BroadcastMethods<ByMany<Events>>;

type Operator = BroadcastOperator<EventsMap, Any>;
type Responses = unknown[];

/** One namespace, and the sockets in it that are meant. */
export interface Target {
  readonly namespace: Namespace;
  readonly operator: Operator;
}

/** An operator of Socket.IO for each namespace, as one. */
export class Broadcaster implements BroadcastMethods {
  readonly #targets: () => Target[];
  readonly #refine: (operator: Operator) => Operator;

  constructor(targets: () => Target[], refine = (operator: Operator) => operator) {
    this.#targets = targets;
    this.#refine = refine;
  }

  except(room: string | string[]): Broadcaster {
    return this.#with((operator) => operator.except(room));
  }

  timeout(ms: number): Broadcaster {
    return this.#with((operator) => operator.timeout(ms) as Operator);
  }

  compress(compress: boolean): Broadcaster {
    return this.#with((operator) => operator.compress(compress));
  }

  get volatile(): Broadcaster {
    return this.#with((operator) => operator.volatile);
  }

  get local(): Broadcaster {
    return this.#with((operator) => operator.local);
  }

  #with(refine: (operator: Operator) => Operator): Broadcaster {
    return new Broadcaster(this.#targets, (operator) => refine(this.#refine(operator)));
  }

  emit(event: string | symbol, ...args: Any[]): boolean {
    const targets = this.#targets();
    const last = args.at(-1);
    if (typeof last === "function") this.#ask(targets, event, args.slice(0, -1), last);
    else for (const target of targets) this.#emit(target, event, args);
    return true;
  }

  #emit({ namespace, operator }: Target, event: string | symbol, args: unknown[]): void {
    const emit = () => void this.#refine(operator).emit(event as string, ...args);
    // Adapters drop promises of what they send, which end the process where their server is away.
    if (hasClusterAdapter(namespace)) capturePromises(emit);
    else emit();
  }

  /** Has the acknowledgements of all namespaces come together. */
  #ask(
    targets: Target[],
    event: string | symbol,
    args: unknown[],
    acknowledge: (error: Error | null, responses: Responses) => void,
  ): void {
    const all: Responses = [];
    let left = targets.length;
    let failure: Error | null = null;
    const answered = (error: Error | null, responses: Responses) => {
      failure ??= error;
      all.push(...responses);
      if (--left === 0) acknowledge(failure, all);
    };
    if (left === 0) queueMicrotask(() => acknowledge(null, all));
    for (const target of targets) this.#emit(target, event, [...args, answered]);
  }

  emitWithAck(event: string | symbol, ...args: Any[]): Promise<Any> {
    return new Promise((resolve, reject) => {
      this.emit(event, ...args, (error: Error | null, responses: Responses) => {
        if (error) reject(Object.assign(error, { responses }));
        else resolve(responses);
      });
    });
  }
}
