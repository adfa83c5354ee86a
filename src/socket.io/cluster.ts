import type { Namespace, Server } from "socket.io";
import { LogOnce } from "../base/log-once.js";
import { SessionError } from "../errors.js";
import type { Announcer } from "../registry/live-sessions.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { SessionStore } from "../store.js";
import { isSessionId } from "../token/token.js";
import type { EndReason } from "../wire.js";
import { ANNOUNCEMENT, AnnouncementSender } from "./announcement-sender.js";
import { hasClusterAdapter } from "./cluster-adapter.js";
import { OpenSessionQuery } from "./open-session-query.js";
import type { Announcement, WriteNotice } from "./pending-announcements.js";

const NOT_SHARED =
  "the server has a cluster adapter, and the store is for one process only (fromConnectStore: see lastWriteWins)";

const REASONS: ReadonlySet<unknown> = new Set<EndReason>(["destroyed", "expired", "revoked", "replaced"]);

/** What is told and asked by way of one namespace. */
interface Channel {
  readonly sender: AnnouncementSender;
  readonly query: OpenSessionQuery;
}

/**
 * Where a Socket.IO server has a cluster adapter, tells the other processes which sessions were written or
 * ended here, and hears what they tell. It goes through the main namespace, which every server has, whatever
 * namespaces sessions are attached to. A message that is lost costs no more than time: the sweep finds out as
 * well.
 */
export class Cluster implements Announcer {
  readonly #registry: SessionRegistry;
  readonly #isShared: boolean;
  readonly #once = new LogOnce();
  readonly #channels = new Map<Namespace, Channel>();

  constructor(registry: SessionRegistry, { shared = true }: SessionStore) {
    this.#registry = registry;
    this.#isShared = shared;
  }

  /**
   * Takes part for this server; doing it again changes nothing. Errors: `SESSION_UNSUPPORTED` where it has a
   * cluster adapter, and the store is for one process only.
   */
  join(server: Server): void {
    const namespace = server.of("/");
    if (this.#channels.has(namespace)) return;
    if (!this.#isShared && hasClusterAdapter(namespace))
      throw new SessionError("SESSION_UNSUPPORTED", NOT_SHARED);
    const sender = new AnnouncementSender(namespace, this.#registry);
    const query = new OpenSessionQuery(namespace, this.#registry, sender);
    this.#channels.set(namespace, { sender, query });
    namespace.on(ANNOUNCEMENT as never, ((message: unknown) => this.#receive(message)) as never);
  }

  announceWrite(sessionId: string, ...written: WriteNotice): void {
    for (const [namespace, { sender }] of this.#channels) {
      if (!hasClusterAdapter(namespace)) continue;
      if (!this.#isShared) this.#warn();
      sender.announceWrite(sessionId, ...written);
    }
  }

  announceEnd(sessionId: string, reason: EndReason): void {
    for (const [namespace, { sender }] of this.#channels)
      if (hasClusterAdapter(namespace)) sender.announceEnd(sessionId, reason);
  }

  /** The server was given its cluster adapter after it was attached: too late to refuse it. */
  #warn(): void {
    if (!this.#once.isDue()) return;
    const { code, message } = new SessionError("SESSION_UNSUPPORTED", NOT_SHARED);
    this.#registry.log.error({ code }, message);
  }

  /** Whether there is a cluster adapter, and messages go out by it, as far as is known. */
  get adapter(): "none" | "up" | "away" {
    let state: "none" | "up" | "away" = "none";
    for (const [namespace, { sender }] of this.#channels) {
      if (!hasClusterAdapter(namespace)) continue;
      if (sender.isFailing) return "away";
      state = "up";
    }
    return state;
  }

  /** Sends what waits before the process goes: others hear of what cannot be sent now when they sweep. */
  close(): void {
    for (const { sender } of this.#channels.values()) sender.close();
  }

  /** Which of these sessions are open on other servers, as far as those answer. Never rejects. */
  async findOpenElsewhere(sessionIds: readonly string[]): Promise<Set<string>> {
    const asked: Promise<Set<string>>[] = [];
    for (const [namespace, { query }] of this.#channels)
      if (hasClusterAdapter(namespace)) asked.push(query.ask(sessionIds));
    return new Set((await Promise.all(asked)).flatMap((live) => [...live]));
  }

  /** Other versions of this library may send what this one does not know. */
  #receive(message: unknown): void {
    const { written, ended } = (message ?? {}) as Partial<Record<keyof Announcement, unknown>>;
    for (const [sessionId, reason] of pairs(ended)) {
      if (REASONS.has(reason)) this.#registry.applyRemoteEnd(sessionId, reason as EndReason);
    }
    for (const [sessionId, revision, keepRooms] of pairs(written)) {
      if (typeof revision === "number") this.#registry.applyRemoteWrite(sessionId, revision, keepRooms);
    }
  }
}

function pairs(list: unknown): [string, ...unknown[]][] {
  if (!Array.isArray(list)) return [];
  return list.filter((pair): pair is [string, ...unknown[]] => Array.isArray(pair) && isSessionId(pair[0]));
}
