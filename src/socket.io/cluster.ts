import type { Namespace, Server } from "socket.io";
import { SessionError } from "../errors.js";
import type { Announcer } from "../registry/live-sessions.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { SessionStore } from "../store.js";
import { isSessionId } from "../token/token.js";
import type { EndReason } from "../wire.js";
import { ANNOUNCEMENT, Announcements } from "./announcement-sender.js";
import { overrides } from "./cluster-adapter.js";
import { LiveQuestions } from "./open-session-query.js";
import type { Announcement, Written } from "./pending-announcements.js";

const NOT_SHARED =
  "the server has a cluster adapter, and the store is for one process only (fromConnectStore: see lastWriteWins)";

const REASONS: ReadonlySet<unknown> = new Set<EndReason>(["destroyed", "expired", "revoked"]);

/** What is told and asked by way of one namespace. */
interface Ties {
  readonly announcements: Announcements;
  readonly questions: LiveQuestions;
}

/**
 * Where a Socket.IO server has a cluster adapter, tells the other processes which sessions were written or ended here, and
 * hears what they tell. It goes through the main namespace, which every server has, whatever namespaces sessions are attached
 * to. A message that is lost costs no more than time: the sweep finds out as well.
 */
export class Cluster implements Announcer {
  readonly #registry: SessionRegistry;
  readonly #isShared: boolean;
  #hasWarned = false;
  readonly #namespaces = new Map<Namespace, Ties>();

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
    const announcements = new Announcements(namespace, this.#registry);
    const questions = new LiveQuestions(namespace, this.#registry, announcements);
    this.#namespaces.set(namespace, { announcements, questions });
    namespace.on(ANNOUNCEMENT as never, ((message: unknown) => this.#hear(message)) as never);
  }

  written(sessionId: string, ...written: Written): void {
    for (const [namespace, { announcements }] of this.#namespaces) {
      if (!reachesOthers(namespace)) continue;
      if (!this.#isShared) this.#warn();
      announcements.written(sessionId, ...written);
    }
  }

  ended(sessionId: string, reason: EndReason): void {
    for (const [namespace, { announcements }] of this.#namespaces)
      if (reachesOthers(namespace)) announcements.ended(sessionId, reason);
  }

  /** The server was given its cluster adapter after it was attached: too late to refuse it. */
  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { code, message } = new SessionError("SESSION_UNSUPPORTED", NOT_SHARED);
    this.#registry.log.error({ code }, message);
  }

  /** Sends what waits before the process goes: others hear of what cannot be sent now when they sweep. */
  close(): void {
    for (const { announcements } of this.#namespaces.values()) announcements.close();
  }

  /** Which of these sessions are open on other servers, as far as those answer. Never rejects. */
  async liveElsewhere(sessionIds: readonly string[]): Promise<Set<string>> {
    const asked: Promise<Set<string>>[] = [];
    for (const [namespace, { questions }] of this.#namespaces)
      if (reachesOthers(namespace)) asked.push(questions.ask(sessionIds));
    return new Set((await Promise.all(asked)).flatMap((live) => [...live]));
  }

  /** Other versions of this library may send what this one does not know. */
  #hear(message: unknown): void {
    const { written, ended } = (message ?? {}) as Partial<Record<keyof Announcement, unknown>>;
    for (const [sessionId, reason] of pairs(ended)) {
      if (REASONS.has(reason)) this.#registry.heardEnded(sessionId, reason as EndReason);
    }
    for (const [sessionId, revision, keepRooms] of pairs(written)) {
      if (typeof revision === "number") this.#registry.heardWritten(sessionId, revision, keepRooms);
    }
  }
}

function pairs(list: unknown): [string, ...unknown[]][] {
  if (!Array.isArray(list)) return [];
  return list.filter((pair): pair is [string, ...unknown[]] => Array.isArray(pair) && isSessionId(pair[0]));
}

/** Asked with each write. */
const reaching = new WeakMap<Namespace["adapter"], boolean>();

/** Socket.IO's own in-memory adapter only prints a warning when it is to reach other servers. */
export function reachesOthers({ adapter }: Namespace): boolean {
  let reaches = reaching.get(adapter);
  if (reaches === undefined) {
    reaches = overrides(adapter, "serverSideEmit");
    reaching.set(adapter, reaches);
  }
  return reaches;
}
