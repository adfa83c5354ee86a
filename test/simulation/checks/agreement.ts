import type { Node } from "../actors/node.js";
import type { World } from "../world/world.js";

/**
 * What sockets show agrees with the rows: an end, a login and a logout are known on every node within the time
 * that is documented, by announcement or by the sweep. Looked at once a second, while nothing goes wrong
 * between the nodes and the database.
 */
export class Agreement {
  readonly #world: World;
  #nextMs = 0;

  constructor(world: World) {
    this.#world = world;
  }

  check(): void {
    const { timeline, nodes } = this.#world;
    if (timeline.nowMs < this.#nextMs) return;
    this.#nextMs = timeline.nowMs + 1_000;
    for (const node of nodes)
      if (node.isUp && node.process.pausedUntilMs <= timeline.nowMs) this.#checkNode(node);
  }

  #checkNode({ name, sockets }: Node): void {
    const { timeline, standings, ledger } = this.#world;
    const { nowMs } = timeline;
    for (const { session, connected } of sockets) {
      const { id, userId = "" } = session;
      const standing = id === undefined || !connected ? undefined : standings.of(id);
      if (!standing) continue;
      const { isGone, sinceMs } = standing;
      const isSame = !isGone && (standing.userId ?? "") === userId;
      if (isSame || !this.#world.isKnown(sinceMs)) continue;
      ledger.findings.add(
        "late",
        isGone
          ? `a socket on ${name} has ${id}, which is over for ${nowMs - sinceMs} ms`
          : `a socket on ${name} is logged in to ${id} as "${userId}", and has been "${standing.userId}" for ${nowMs - sinceMs} ms`,
      );
    }
  }
}
