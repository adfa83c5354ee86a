import type { ClusterKind } from "../database/cluster.js";
import type { Spoiling } from "../database/connection-state.js";
import type { Weather } from "../database/weather.js";
import type { BusWeather } from "../network/bus.js";
import type { Fate } from "../network/fetch.js";
import type { NetworkWeather } from "../network/line.js";
import type { ClientAct } from "./client-acts.js";

/** What a run is about. */
export const TOPICS = ["writes", "rotation", "rooms", "clients", "recovery", "cookies"] as const;
export type Topic = (typeof TOPICS)[number];

/** Where a device has what opens its session: a token, one in the bridge's cookie, a cookie of express-session. */
export type DeviceKind = "token" | "bridge" | "cookie";

/** What a run begins with. */
export interface Settings {
  readonly engine: "mysql" | "mariadb";
  /** How wrong the clock of each node's machine is: there are as many nodes. */
  readonly wrongByMs: readonly number[];
  readonly hasBus: boolean;
  readonly devices: number;
  /** Of each device; `"token"` unless said. */
  readonly kinds?: readonly DeviceKind[];
  /** What else express-session is told. */
  readonly cookie?: Readonly<Record<string, unknown>>;
  /** Of each node's pool. */
  readonly connections: number;
  /** The database is a cluster of three servers. `isSpread`: connections lead to any of them. */
  readonly cluster?: { readonly kind: ClusterKind; readonly isSpread: boolean };
  /** These devices have an old client, which takes a new token and never confirms it. */
  readonly oldDevices?: readonly number[];
  /** Socket.IO's connection state recovery is on. */
  readonly recovery?: { readonly skipMiddlewares: boolean };
  /** Of the product. */
  readonly options: Readonly<Record<string, unknown>>;
}

interface AtPage {
  readonly device: number;
  readonly tab: number;
}

/** Who does what, and what goes wrong. */
export type Act = { readonly atMs: number } & (
  | ({ readonly do: "open" | "close" | "change network" } & AtPage)
  | ({ readonly do: "freeze"; readonly forMs: number } & AtPage)
  /** A backup of a device is made, or put back. */
  | { readonly do: "keep" | "put back"; readonly device: number }
  | ({ readonly do: "change"; readonly kind: "update" | "put" | "handler" } & AtPage)
  | ({
      readonly do: "ask";
      readonly kind:
        | "read"
        | "reload"
        | "login"
        | "logout"
        | "logout keeping rooms"
        | "regenerate"
        | "destroy"
        | "join"
        | "enter";
    } & AtPage)
  /** A page asks by HTTP. */
  | ({
      readonly do: "request";
      readonly kind: string;
      readonly how: "plain" | "streamed" | "early";
      /** How long the handler waits for something else. */
      readonly waitMs: number;
      readonly lazy: boolean;
      readonly fate: Fate;
      /** It tries again where no answer came. */
      readonly again: boolean;
      /** Whose session it is about, where a job knows it by its id. */
      readonly of?: number;
    } & AtPage)
  | { readonly do: "database weather"; readonly forMs: number; readonly change: Partial<Weather> }
  | { readonly do: "network weather"; readonly forMs: number; readonly change: Partial<NetworkWeather> }
  | { readonly do: "bus weather"; readonly forMs: number; readonly change: Partial<BusWeather> }
  | { readonly do: "crash" | "pause"; readonly node: number; readonly forMs: number }
  | { readonly do: "cut pool"; readonly node: number }
  | { readonly do: "cut lines"; readonly share: number }
  | { readonly do: "lock rows"; readonly share: number; readonly forMs: number }
  | { readonly do: "switch over"; readonly forMs: number; readonly oldStays: boolean }
  /** An administrator changes rows by hand, as sql/session.sql says, or deletes them. */
  | { readonly do: "edit rows" | "delete rows"; readonly share: number }
  /** … or those that have expired: sql/prune.sql without its hour. */
  | { readonly do: "delete expired rows" }
  | { readonly do: "database clock"; readonly byMs: number }
  /**
   * A new primary that lacks what was committed last, or a restore of the whole table; so much is lost.
   * `isRunning`: behind the back of those who are connected.
   */
  | {
      readonly do: "fail over" | "restore";
      readonly lossMs: number;
      readonly forMs: number;
      readonly isRunning: boolean;
    }
  /** Of a cluster: one is late, loses the others, or leaves, and is as before after that. */
  | {
      readonly do: "node lags" | "node loses its cluster" | "node leaves";
      readonly host: number;
      readonly forMs: number;
      readonly lagMs: number;
    }
  | { readonly do: "proxy moves"; readonly host: number }
  /** The application takes connections of a node's pool, and gives them back in another state. */
  | {
      readonly do: "spoil connections";
      readonly node: number;
      readonly how: Spoiling;
      readonly count: number;
      readonly forMs: number;
    }
  | ClientAct
);

/** All that a seed decides: the same plan is the same run. */
export interface Plan {
  readonly topic: Topic;
  readonly seed: string;
  readonly settings: Settings;
  readonly acts: readonly Act[];
  /** Then all faults are over, and things have time to come to rest. */
  readonly endMs: number;
}
