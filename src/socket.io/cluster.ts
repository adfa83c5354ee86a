import type { Namespace, Server } from "socket.io";
import { SessionError } from "../errors.js";
import type { Announcer, SessionRegistry } from "../sessions.js";
import type { SessionStore } from "../store.js";
import { isSessionId } from "../token.js";
import type { EndReason } from "../wire.js";

/** Between servers only; no client can send or receive it. */
const ANNOUNCEMENT = "tokenSession";
const WHO_IS_LIVE = "tokenSession:live";
/** Servers that take longer to say which sessions they have open are taken to have none. */
const LIVE_TIMEOUT_MS = 2_000;
/** Sessions told of in one message. */
const AT_ONCE = 1_000;

const NOT_SHARED =
  "the server has a cluster adapter, and the store is for one process only (fromConnectStore: see lastWriteWins)";

/** What processes tell each other: public ids, revisions and reasons, nothing else. */
interface Announcement {
  readonly written: readonly (readonly [sessionId: string, revision: number])[];
  readonly ended: readonly (readonly [sessionId: string, reason: EndReason])[];
}

const REASONS: ReadonlySet<unknown> = new Set<EndReason>(["destroyed", "expired", "revoked"]);

/**
 * Where a Socket.IO server has a cluster adapter, tells the other processes which sessions were written or ended here, and
 * hears what they tell. It goes through the main namespace, which every server has, whatever namespaces sessions are attached
 * to. A message that is lost costs no more than time: the sweep finds out as well.
 */
export class Cluster implements Announcer {
  readonly #registry: SessionRegistry;
  readonly #isShared: boolean;
  #hasWarned = false;
  readonly #namespaces = new Set<Namespace>();
  #written = new Map<string, number>();
  #ended = new Map<string, EndReason>();
  #scheduled = false;

  constructor(registry: SessionRegistry, { shared = true }: SessionStore) {
    this.#registry = registry;
    this.#isShared = shared;
  }

  /**
   * Takes part for this server; doing it again changes nothing. Errors: `SESSION_UNSUPPORTED` where it has a cluster adapter, and
   * the store is for one process only.
   */
  join(server: Server): void {
    const namespace = server.of("/");
    if (this.#namespaces.has(namespace)) return;
    if (!this.#isShared && reachesOthers(namespace))
      throw new SessionError("SESSION_UNSUPPORTED", NOT_SHARED);
    this.#namespaces.add(namespace);
    namespace.on(ANNOUNCEMENT as never, ((message: unknown) => this.#hear(message)) as never);
    namespace.on(
      WHO_IS_LIVE as never,
      ((ids: unknown, reply: unknown) => {
        if (!Array.isArray(ids) || typeof reply !== "function") return;
        reply(this.#registry.liveAmong(ids.filter(isSessionId)));
      }) as never,
    );
  }

  written(sessionId: string, revision: number): void {
    if (!this.#reachesOthers()) return;
    if (!this.#isShared) this.#warn();
    this.#written.set(sessionId, revision);
    this.#schedule();
  }

  ended(sessionId: string, reason: EndReason): void {
    this.#ended.set(sessionId, reason);
    this.#schedule();
  }

  /** The server was given its cluster adapter after it was attached: too late to refuse it. */
  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { code, message } = new SessionError("SESSION_UNSUPPORTED", NOT_SHARED);
    this.#registry.log.error({ code }, message);
  }

  #reachesOthers(): boolean {
    for (const namespace of this.#namespaces) if (reachesOthers(namespace)) return true;
    return false;
  }

  /** What one turn of the event loop brings together goes out together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Sends what waits. */
  flush(): void {
    this.#scheduled = false;
    const written = [...this.#written];
    const ended = [...this.#ended];
    this.#written.clear();
    this.#ended.clear();
    const namespaces = [...this.#namespaces].filter(reachesOthers);
    for (let at = 0; at < Math.max(written.length, ended.length); at += AT_ONCE) {
      const message: Announcement = {
        written: written.slice(at, at + AT_ONCE),
        ended: ended.slice(at, at + AT_ONCE),
      };
      for (const namespace of namespaces) this.#send(namespace, message);
    }
  }

  /** Which of these sessions are open on other servers, as far as those answer. Never rejects. */
  async liveElsewhere(sessionIds: readonly string[]): Promise<Set<string>> {
    const live = new Set<string>();
    const ask = async (namespace: Namespace) => {
      const answers: unknown = await namespace
        .serverSideEmitWithAck(WHO_IS_LIVE as never, sessionIds as never)
        // Some servers did not answer in time: those that did count.
        .catch((error: unknown) => (error as { responses?: unknown } | undefined)?.responses);
      for (const id of (Array.isArray(answers) ? answers : []).flat()) if (isSessionId(id)) live.add(id);
    };
    const all = Promise.all([...this.#namespaces].filter(reachesOthers).map(ask));
    // An adapter may wait long for servers that do not know the question, and for ever where Redis is away.
    let cancel = () => {};
    const limit = new Promise<void>((resolve) => {
      cancel = this.#registry.clock.after(LIVE_TIMEOUT_MS, resolve);
    });
    await Promise.race([all, limit]);
    cancel();
    return live;
  }

  #send(namespace: Namespace, message: Announcement): void {
    try {
      namespace.serverSideEmit(ANNOUNCEMENT as never, message as never);
    } catch (error) {
      const kind = error instanceof Error ? error.name : typeof error;
      this.#registry.log.warn({}, `the cluster adapter refused a message of the sessions: ${kind}`);
    }
  }

  /** Other versions of this library may send what this one does not know. */
  #hear(message: unknown): void {
    const { written, ended } = (message ?? {}) as Partial<Record<keyof Announcement, unknown>>;
    for (const [sessionId, reason] of pairs(ended)) {
      if (REASONS.has(reason)) this.#registry.heardEnded(sessionId, reason as EndReason);
    }
    for (const [sessionId, revision] of pairs(written)) {
      if (typeof revision === "number") this.#registry.heardWritten(sessionId, revision);
    }
  }
}

function pairs(list: unknown): [string, unknown][] {
  if (!Array.isArray(list)) return [];
  return list.filter((pair): pair is [string, unknown] => Array.isArray(pair) && isSessionId(pair[0]));
}

/** Socket.IO's own in-memory adapter only prints a warning when it is to reach other servers. */
function reachesOthers({ adapter }: Namespace): boolean {
  let reaches = reaching.get(adapter);
  if (reaches === undefined) {
    reaches = isClusterAdapter(adapter);
    reaching.set(adapter, reaches);
  }
  return reaches;
}

/** Asked with each write. */
const reaching = new WeakMap<Namespace["adapter"], boolean>();

function isClusterAdapter(adapter: Namespace["adapter"]): boolean {
  let base: object = adapter;
  for (let next = Object.getPrototypeOf(base); next; next = Object.getPrototypeOf(next)) {
    if (Object.hasOwn(next, "serverSideEmit")) base = next;
  }
  return adapter.serverSideEmit !== (base as typeof adapter).serverSideEmit;
}
