import { createHash } from "node:crypto";
import type { AppSocket } from "../actors/application.js";
import type { Change, Row } from "../sql/statement.js";
import type { World } from "../world/world.js";
import { marksIn } from "./sessions.js";
import { hexOf } from "./standing.js";

/** What a detached socket has, by docs/server.md, and a little more. */
const CUT_AFTER_MS = 11_000;

/** What thieves hold, and what they have by it. */
export class Thieves {
  readonly #world: World;
  readonly #hashes = new Map<string, Set<string>>();
  /** Whose tokens were stolen: what a thief does with a session of his own is nobody's concern. */
  readonly #stolen = new Set<string>();
  /** Each socket of a thief, with the sessions that it has had. */
  readonly #had = new WeakMap<object, Map<string, { isShown: boolean }>>();

  constructor(world: World) {
    this.#world = world;
  }

  get #findings() {
    return this.#world.ledger.findings;
  }

  steals(thief: string, token: string): void {
    this.#stolen.add(token.split(".")[0] ?? "");
    this.gets(thief, token);
  }

  /** He has this token from now on. */
  gets(thief: string, token: string): void {
    const [, secret = ""] = token.split(".");
    const hashes = this.#hashes.get(thief) ?? new Set();
    this.#hashes.set(thief, hashes.add(createHash("sha256").update(secret).digest("hex")));
  }

  /** Whether what he holds opens the session. */
  #opens(thief: string, row: Row | null): boolean {
    const hashes = this.#hashes.get(thief);
    return ["secretHash", "nextHash"].some((column) => hashes?.has(hexOf(row, column)));
  }

  /** What he changes is changed only while he holds what opens the session. */
  committed({ sessionId, row }: Change, before: Row | null, by: string): void {
    if (!row || !before || !this.#stolen.has(sessionId) || row["data"] === before["data"]) return;
    const were = marksIn(before);
    for (const mark of marksIn(row)) {
      const [thief = ""] = mark.split(":");
      if (were.has(mark) || !this.#hashes.has(thief) || this.#opens(thief, before)) continue;
      this.#findings.add("thief", `${by} has written ${mark} to ${sessionId}, which he cannot open any more`);
    }
  }

  /** A token has been replaced, and whoever asked for that was told: he has no part in it on this node. */
  checkCut(node: string, sockets: Iterable<AppSocket>, sessionId: string): void {
    const row = this.#world.database.row(sessionId);
    for (const { handshake, session } of sockets) {
      const thief = handshake.address;
      if (session.id !== sessionId || !this.#hashes.has(thief)) continue;
      this.#world.count("thief holds the new token too");
      if (row && !this.#opens(thief, row))
        this.#findings.add("thief", `${thief} has ${sessionId} on ${node} after its token was replaced`);
    }
  }

  /** After a step of a node. */
  check(node: string, sockets: Iterable<AppSocket>): void {
    if (this.#hashes.size === 0) return;
    for (const socket of sockets)
      if (this.#hashes.has(socket.handshake.address)) this.#checkSocket(node, socket);
  }

  #checkSocket(node: string, socket: AppSocket): void {
    const { database, standings, timeline, calm } = this.#world;
    const thief = socket.handshake.address;
    const had = this.#had.get(socket) ?? new Map<string, { isShown: boolean }>();
    this.#had.set(socket, had);
    const { id } = socket.session;
    const wasShown = id !== undefined && had.get(id)?.isShown;
    for (const each of had.values()) each.isShown = false;
    if (id !== undefined) had.set(id, { isShown: true });
    if (id !== undefined && !wasShown) this.#world.count("thief opened a session");
    for (const sessionId of had.keys()) {
      const standing = standings.of(sessionId);
      if (!standing || !this.#stolen.has(sessionId) || this.#opens(thief, database.row(sessionId))) continue;
      const { sinceMs } = standing;
      const { nowMs } = timeline;
      const isCalm = (forMs: number) => nowMs - sinceMs > forMs && calm.isBetween(sinceMs, nowMs);
      if (sessionId === id && !wasShown && (isCalm(100) || nowMs - sinceMs > 45_000))
        this.#findings.add("thief", `${thief} has opened ${id} on ${node} with a token that was replaced`);
      else if (sessionId === id && this.#world.isKnown(sinceMs))
        this.#findings.add("thief", `${thief} still has ${id} on ${node}`);
      else if (this.#world.isKnown(sinceMs, CUT_AFTER_MS) && socket.connected)
        this.#findings.add("thief", `a socket of ${thief} on ${node} has had ${sessionId}, and was not cut`);
    }
  }
}
