import type { Random } from "../world/random.js";

/** Servers of which each takes writes; a commit is certified: of two on the same row the first one wins. */
export type ClusterKind = "galera" | "group";

/** A server of the database. One that has been replaced may still be there, and takes no writes. */
export interface Host {
  readonly name: string;
  isUp: boolean;
  isReadOnly: boolean;
  /** In a cluster: it is not cut off from most of the others. */
  isPrimary: boolean;
  /** In a cluster: how long it takes until what others have committed has come through … */
  lagMs: number;
  /** … and up to when it has. Also of one that was replaced: when that was. */
  appliedAtMs: number;
}

export function newHost(name: string): Host {
  return { name, isUp: true, isReadOnly: false, isPrimary: true, lagMs: 0, appliedAtMs: 0 };
}

/** The error of a commit that comes second. */
export const CONFLICT: Readonly<Record<ClusterKind, number>> = { galera: 1213, group: 3101 };

/** The servers of a cluster, and the proxy in front of them. */
export class Cluster {
  readonly kind: ClusterKind;
  readonly hosts: readonly Host[];
  readonly #random: Random;
  /** The proxy sends all to this one, while it is up; to any where there is none. */
  #chosen: Host | undefined;

  constructor(kind: ClusterKind, { random, isSpread }: { random: Random; isSpread: boolean }) {
    this.kind = kind;
    this.hosts = [1, 2, 3].map((n) => newHost(`db${n}`));
    this.#random = random;
    this.#chosen = isSpread ? undefined : this.hosts[0];
  }

  /** Where a new connection leads to; `undefined` where nobody is up. */
  hostFor(): Host | undefined {
    if (this.#chosen?.isUp) return this.#chosen;
    const up = this.hosts.filter(({ isUp }) => isUp);
    return up.length > 0 ? this.#random.pick(up) : undefined;
  }

  /** The proxy sends all that connect to another server from now on; those that are connected stay. */
  move(to: number): void {
    this.#chosen = this.hosts[to];
  }
}
