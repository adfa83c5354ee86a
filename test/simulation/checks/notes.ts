import type { AppSocket } from "../actors/application.js";
import type { Node } from "../actors/node.js";
import type { World } from "../world/world.js";

/** What the application has sent to a user. */
interface Note {
  readonly id: string;
  readonly userId: string;
}

/** It is delivered on a node in this step. */
interface Delivery {
  readonly note: Note;
  readonly node: Node;
  readonly expected: readonly AppSocket[];
  readonly heard: Set<AppSocket>;
}

/** What comes out for a socket that is being recovered, before anybody can look at it. */
const PATTERN = /^42\["note","(note\d+)"/;

/** Who hears what is sent to a user: who is logged in as that user where it is delivered, all and nobody else. */
export class Notes {
  readonly #world: World;
  readonly #notes = new Map<string, Note>();
  #deliveries: Delivery[] = [];
  /** Connections whose client has presented a token and was not answered yet. */
  readonly #presenting = new WeakSet<object>();
  /** Connections whose client was asked for its token and has not been answered since. */
  readonly #asked = new WeakSet<object>();
  /** On which node a session's token was replaced last, and when whoever asked for it was told. */
  readonly #cuts = new Map<string, { readonly node: Node; readonly atMs: number }>();
  /** Users of what was sent on a connection that has no socket yet. */
  readonly #replayed = new WeakMap<object, Set<string>>();
  /** Connections on which something has gone out that was sent to all, before there was a socket. */
  readonly #caughtUp = new WeakSet<object>();

  constructor(world: World) {
    this.#world = world;
  }

  get #findings() {
    return this.#world.ledger.findings;
  }

  /** The application of a node sends one. */
  send(node: Node, userId: string): void {
    const note = { id: `note${this.#notes.size + 1}`, userId };
    this.#notes.set(note.id, note);
    this.#world.timeline.tell(node.name, () => `sends ${note.id} to ${userId}`);
    this.#deliver(note, node);
    node.sessions.toUser(userId).emit("note", note.id);
    if (this.#world.settings.recovery) node.sendToAll("all", note.id);
  }

  /** It has come from another node. */
  arrives(node: Node, text: string): void {
    const [, id = ""] = /"note","(note\d+)"/.exec(text) ?? [];
    const note = this.#notes.get(id);
    if (note) this.#deliver(note, node);
  }

  #deliver(note: Note, node: Node): void {
    // A handle shows a login as soon as it is on its way; what is sent is heard from when it has resolved.
    const isDone = this.#world.ledger.identities.isLoggedIn(note.userId);
    const expected = isDone
      ? [...node.sockets].filter(
          ({ session, conn }) =>
            session.userId === note.userId &&
            !this.#presenting.has(conn) &&
            !this.#isCutBeforeLoss(session.id, conn),
        )
      : [];
    if (expected.length > 0) this.#world.count("sent to a user who is there");
    this.#deliveries.push({ note, node, expected, heard: new Set() });
  }

  /** A token has been replaced, and whoever asked for that was told. */
  cuts(node: Node, sessionId: string): void {
    this.#cuts.set(sessionId, { node, atMs: this.#world.timeline.nowMs });
  }

  /**
   * A handle shows nothing as soon as another token is on its way to the row. What is sent is heard until that
   * has been acknowledged.
   */
  #mayHear(node: Node, socket: AppSocket): boolean {
    const last = this.#world.recovery.lastOf(socket);
    if (socket.session.id !== undefined || !last) return false;
    const cut = this.#cuts.get(last.sessionId);
    return !(cut?.node === node && last.shownAtMs <= cut.atMs);
  }

  /**
   * A token that was replaced is good again where the database has lost what replaced it. A socket that was
   * cut by then shows the session again; it has part in it once it has presented that token.
   */
  #isCutBeforeLoss(sessionId: string | undefined, connection: object): boolean {
    return this.#asked.has(connection) && this.#world.ledger.identities.hasLost(sessionId ?? "");
  }

  /** A packet comes to a node, or goes out. */
  passes(
    node: Node,
    { connection, packet, way }: { connection: object; packet: string; way: "in" | "out" },
  ): void {
    if (way === "in") {
      if (packet.includes('["getToken"')) this.#presenting.add(connection);
      return;
    }
    if (packet.includes('["tokenChanged"')) this.#asked.add(connection);
    if (packet.includes('["gotToken"') && packet.includes('"created":')) {
      this.#presenting.delete(connection);
      this.#asked.delete(connection);
    }
    if (packet.startsWith('42["all",') && ![...node.sockets].some(({ conn }) => conn === connection))
      this.#caughtUp.add(connection);
    const [, id = ""] = PATTERN.exec(packet) ?? [];
    const note = this.#notes.get(id);
    if (!note) return;
    const socket = [...node.sockets].find(({ conn }) => conn === connection);
    if (!socket) return this.#replays(node, connection, note);
    for (const delivery of this.#deliveries)
      if (delivery.note === note && delivery.node === node) delivery.heard.add(socket);
    if (socket.session.userId !== note.userId && !this.#mayHear(node, socket))
      this.#findings.add(
        "heard",
        `a socket of ${socket.session.id} on ${node.name}, logged in as ${socket.session.userId}, hears ${id} to ${note.userId}`,
      );
  }

  /** What a socket has missed that is recovered: its session is still that user's. */
  #replays(node: Node, connection: object, { id, userId }: Note): void {
    this.#world.count("missed message given after a recovery");
    const users = this.#replayed.get(connection) ?? new Set();
    this.#replayed.set(connection, users.add(userId));
    const { standings, ledger, timeline, calm } = this.#world;
    const standing = standings.of(ledger.identities.sessionOfLogin(userId) ?? "");
    if (!standing || standing.userId === userId) return;
    const { nowMs } = timeline;
    const forMs = nowMs - standing.sinceMs;
    if (forMs > 45_000 || (forMs > 1_000 && calm.isBetween(standing.sinceMs, nowMs)))
      this.#findings.add("heard", `${node.name} gives ${id} to ${userId}, who is not logged in any more`);
  }

  /**
   * A socket is there: what has gone out on its connection was its user's. One that counts as new may show
   * another user by now, or none; then it was that of the user who was logged in on it before.
   */
  connects(node: Node, socket: AppSocket): void {
    const { recovered, session } = socket;
    const owner = recovered ? session.userId : this.#world.recovery.userBefore(socket);
    for (const userId of this.#replayed.get(socket.conn) ?? [])
      if (owner !== userId)
        this.#findings.add(
          "heard",
          `a socket on ${node.name} logged in as ${socket.session.userId} was given what ${userId} had missed`,
        );
  }

  /** Whether a socket that has just connected was given what was sent to all while it was away. */
  hasCaughtUp({ conn }: AppSocket): boolean {
    return this.#caughtUp.has(conn);
  }

  /** After a step: all who are there have heard it. */
  check(): void {
    if (this.#deliveries.length === 0) return;
    for (const { note, node, expected, heard } of this.#deliveries) {
      if (!node.isUp) continue;
      for (const socket of expected)
        if (!heard.has(socket) && socket.connected && socket.session.userId === note.userId)
          this.#findings.add(
            "not heard",
            `a socket on ${node.name} logged in as ${note.userId} has not heard ${note.id}`,
          );
    }
    this.#deliveries = [];
  }
}
