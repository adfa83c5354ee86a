import type { AppSocket } from "../actors/application.js";
import type { Node } from "../actors/node.js";
import type { World } from "../world/world.js";

/** What a socket had when it was disconnected. */
interface Before {
  readonly node: string;
  /** As it was shown. */
  readonly sessionId: string | undefined;
  /** It has had one, shown by then or not. */
  readonly hadSession: boolean;
  readonly userId: string;
  readonly secretHash: string;
  readonly rooms: readonly string[];
}

/** Sockets that Socket.IO gives back, and which session events find. */
export class Recovery {
  readonly #world: World;
  readonly #before = new Map<string, Before>();
  readonly #last = new WeakMap<AppSocket, { sessionId: string; shownAtMs: number }>();

  constructor(world: World) {
    this.#world = world;
  }

  get #findings() {
    return this.#world.ledger.findings;
  }

  connects(node: Node, socket: AppSocket): void {
    socket.on("disconnecting", () => this.#disconnects(node, socket));
    this.note(socket);
    if (this.#world.notes.hasCaughtUp(socket)) this.#checkCaughtUp(node, socket);
    if (socket.recovered) this.#check(node, socket);
    else this.#checkNew(node, socket);
  }

  /** What a socket had that has just come back, under the same id. */
  userBefore(socket: AppSocket): string | undefined {
    return this.#before.get(socket.id)?.userId;
  }

  /** After each step: it has a session, or has had one. */
  note(socket: AppSocket): void {
    const { id } = socket.session;
    if (id !== undefined) this.#last.set(socket, { sessionId: id, shownAtMs: this.#world.timeline.nowMs });
  }

  /** The session that it has shown last, and when that was. */
  lastOf(socket: AppSocket): { readonly sessionId: string; readonly shownAtMs: number } | undefined {
    return this.#last.get(socket);
  }

  #disconnects(node: Node, socket: AppSocket): void {
    const { id: sessionId, userId = "" } = socket.session;
    const secretHash = this.#world.standings.of(sessionId ?? "")?.secretHash ?? "";
    const rooms = [...socket.rooms];
    const hadSession = this.#last.has(socket);
    this.#before.set(socket.id, { node: node.name, sessionId, hadSession, userId, secretHash, rooms });
  }

  /** Socket.IO has given it back, but what it had is not its any more: the application sees to it anew. */
  #checkNew(node: Node, socket: AppSocket): void {
    if (!this.#before.has(socket.id)) return;
    this.#world.count("socket that came back counted as new");
    const others = [...socket.rooms].filter((room) => room !== socket.id);
    if (others.length > 0)
      this.#findings.add("recovery", `a socket on ${node.name} counts as new, and is in ${others}`);
  }

  #check(node: Node, socket: AppSocket): void {
    const { count } = this.#world;
    const before = this.#before.get(socket.id);
    const { id, userId = "" } = socket.session;
    const add = (text: string) => this.#findings.add("recovery", `a socket on ${node.name} ${text}`);
    if (!before) return;
    count(before.node === node.name ? "socket recovered" : "socket recovered on another node");
    if (before.sessionId === undefined) {
      if (socket.rooms.size > 1 && id === undefined) add("was recovered to rooms, and has no session");
      if (!before.hadSession && id !== undefined) add(`had no session, and was recovered with ${id}`);
      return;
    }
    if (id !== before.sessionId) return add(`had ${before.sessionId}, and was recovered with ${id}`);
    if (userId !== before.userId) return add(`of "${before.userId}" was recovered as "${userId}"`);
    for (const room of socket.rooms)
      if (room !== socket.id && !before.rooms.includes(room))
        add(`was recovered to ${room}, where it has not been`);
    const change = this.#changeSince(before);
    if (change) add(`was recovered with ${id}, which ${change}`);
  }

  /** Whatever it counts as: what it missed is for one whose session is as it was. */
  #checkCaughtUp(node: Node, socket: AppSocket): void {
    this.#world.count("given what was sent to all meanwhile");
    const before = this.#before.get(socket.id);
    const change = before && this.#changeSince(before);
    if (change)
      this.#findings.add(
        "recovery",
        `a socket on ${node.name} was given what it missed, of ${before.sessionId}, which ${change}`,
      );
  }

  /** What is different in the row, if everybody must know that by now. */
  #changeSince({ sessionId = "", userId, secretHash }: Before): string | undefined {
    const { standings, timeline, calm } = this.#world;
    const standing = standings.of(sessionId);
    if (!standing) return undefined;
    const isSame =
      !standing.isGone &&
      (standing.userId ?? "") === userId &&
      (secretHash === "" || standing.secretHash === secretHash);
    const { nowMs } = timeline;
    const forMs = nowMs - standing.sinceMs;
    const isKnown = forMs > 45_000 || (forMs > 1_000 && calm.isBetween(standing.sinceMs, nowMs));
    if (isSame || !isKnown) return undefined;
    return `${standing.isGone ? "is over" : "has another token or user"} for ${forMs} ms`;
  }

  /** An event of a client of ours has come to a handler: it has had its session by then. */
  event(node: Node, socket: AppSocket): void {
    this.note(socket);
    if (this.#last.has(socket) || !socket.handshake.address.startsWith("device")) return;
    if (!this.#world.waitsForSession(socket.handshake.address)) return;
    this.#findings.add("early", `an event ran on ${node.name} before its socket had a session`);
  }
}
