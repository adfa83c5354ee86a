import { Random } from "../world/random.js";
import { clientActsOf, clientSettingsOf, isAboutRooms } from "./clients.js";
import { faultAct } from "./faults.js";
import { lateSecretsOf } from "./late-secrets.js";
import { withLives } from "./lives.js";
import type { Act, Plan, Settings, Topic } from "./plan.js";
import { calmLife, requestAct, withWeb } from "./requests.js";

/** The plan of a seed. */
export function planOf(seed: number, topics: readonly Topic[]): Plan {
  const random = new Random(`plan ${seed}`);
  const topic = random.pick(topics);
  const common = settingsOf(random);
  // Of streams of their own: what other topics draw stays as it is.
  const withClients = { ...common, ...clientSettingsOf(random.stream("client settings"), topic, common) };
  const settings = topic === "cookies" ? withWeb(random, withClients) : withClients;
  const endMs = random.between(15_000, 60_000);
  const acts: Act[] = [];
  const moments = new Moments(random, endMs);
  for (let device = 0; device < settings.devices; device++)
    livingOf({
      random,
      topic,
      settings,
      device,
      tabs: isWide(settings) ? WIDE : undefined,
      endMs,
      acts,
      moments,
    });
  for (let crowds = random.pick([0, 1, 3]); crowds > 0; crowds--)
    crowdOf(random, settings, moments.pick(), acts);
  const faults = random.chance(0.05) ? 0 : random.between(1, 8);
  for (let n = 0; n < faults; n++) acts.push(moments.meeting(faultAct(random, settings, endMs)));
  const when = { endMs, pick: () => moments.pick() };
  acts.push(...clientActsOf(random.stream("clients"), topic, { settings, when }));
  if (topic !== "writes" && random.chance(0.15)) lateSecretsOf(random, settings, moments.pick(), acts);
  acts.sort((one, other) => one.atMs - other.atMs);
  return withLives({ topic, seed: `${topic} ${seed}`, settings, acts, endMs }, seed);
}

/** So many nodes that a row cannot list all that have written it, and a page on each. */
const WIDE = 10;
const isWide = ({ wrongByMs }: Settings) => wrongByMs.length === WIDE;

function settingsOf(random: Random): Settings {
  const nodes = random.chance(0.03) ? WIDE : random.pick([1, 2, 2, 2, 3]);
  const isWrong = random.chance(0.2);
  const cluster = random.chance(0.15)
    ? { kind: random.pick(["galera", "group"] as const), isSpread: random.chance(0.7) }
    : undefined;
  const engine = random.pick(["mysql", "mariadb"] as const);
  return {
    engine: cluster?.kind === "group" ? "mysql" : engine,
    ...(cluster && { cluster }),
    wrongByMs: Array.from({ length: nodes }, () => (isWrong ? random.between(-600_000, 600_000) : 0)),
    hasBus: random.chance(0.7),
    devices: nodes === WIDE ? 1 : random.pick([1, 1, 2, 3, 6]),
    connections: random.pick([1, 2, 4, 10]),
    options: {
      expiration: 3_600,
      storeTimeout: random.pick([2, 10, 10]),
      ...(random.chance(0.3) ? { freshness: "event" } : {}),
      ...(random.chance(0.3) ? { revalidate: 2 } : {}),
    },
  };
}

/** All devices at once, so that their changes go out in one statement. */
function crowdOf(random: Random, settings: Settings, atMs: number, acts: Act[]): void {
  for (let device = 0; device < settings.devices; device++)
    for (let rounds = random.between(1, 3); rounds > 0; rounds--)
      acts.push({
        do: "change",
        kind: "update",
        device,
        // Where the database has several servers, the same row on each of them.
        tab: isWide(settings) ? random.below(WIDE) : settings.cluster ? random.below(2) : 0,
        atMs: atMs + random.between(0, 6),
      });
}

/**
 * When most things happen: what pages do and what goes wrong at the same time, on all devices, is what shows
 * more than either alone.
 */
class Moments {
  readonly #random: Random;
  readonly #endMs: number;
  readonly #all: readonly number[];

  constructor(random: Random, endMs: number) {
    this.#random = random;
    this.#endMs = endMs;
    this.#all = Array.from({ length: random.between(1, 3) }, () => random.between(1_000, endMs));
  }

  pick(): number {
    const random = this.#random;
    return random.chance(0.7) ? random.pick(this.#all) : random.between(1_000, this.#endMs);
  }

  /** The fault, mostly begun when one of them is near. */
  meeting(fault: Act): Act {
    const random = this.#random;
    if (random.chance(0.3)) return fault;
    const beforeMs =
      "forMs" in fault ? random.between(0, Math.min(fault.forMs, 1_000)) : random.between(-500, 500);
    return { ...fault, atMs: Math.min(this.#endMs, Math.max(500, random.pick(this.#all) - beforeMs)) };
  }
}

interface Living {
  readonly random: Random;
  readonly topic: Topic;
  readonly settings: Settings;
  readonly device: number;
  readonly tabs: number | undefined;
  readonly endMs: number;
  readonly acts: Act[];
  readonly moments: Moments;
}

/** What the pages of a device do, from beginning to end. */
function livingOf({ random, topic, settings, device, endMs, acts, moments, ...given }: Living): void {
  if (topic === "cookies" && random.chance(0.25)) {
    acts.push(...calmLife(random, device, endMs));
    return;
  }
  const tabs = given.tabs ?? random.pick([1, 2, 2, 3]);
  if (topic !== "writes" && random.chance(0.2)) {
    acts.push({ do: "keep", device, atMs: random.between(1_000, endMs) });
    acts.push({ do: "put back", device, atMs: random.between(1_000, endMs) });
  }
  for (let tab = 0; tab < tabs; tab++) {
    acts.push({ do: "open", device, tab, atMs: random.between(0, 1_000) });
    if (random.chance(0.3))
      acts.push({
        do: "freeze",
        device,
        tab,
        atMs: random.between(1_000, endMs),
        forMs: random.pick([2_000, 60_000]),
      });
    if (random.chance(0.3))
      acts.push({ do: "change network", device, tab, atMs: random.between(1_000, endMs) });
    for (let reloads = random.pick([0, 0, 1, 2]); reloads > 0; reloads--)
      acts.push({ do: "open", device, tab, atMs: random.between(1_000, endMs) });
    // In bursts: what happens at the same time is what goes wrong.
    for (let bursts = random.between(1, 4); bursts > 0; bursts--) {
      const atMs = moments.pick();
      const within = random.pick([0, 5, 50, 2_000]);
      for (let changes = random.between(1, 8); changes > 0; changes--) {
        const at = Math.min(endMs, atMs + random.between(0, within));
        if (topic === "cookies" && random.chance(0.7))
          acts.push(requestAct(random, settings, { device, tab, atMs: at }));
        else if (topic !== "writes" && random.chance(0.5))
          acts.push(askOf(random, topic, { device, tab, atMs: at }));
        else if (random.chance(0.15))
          acts.push({ do: "ask", kind: random.pick(["read", "reload"]), device, tab, atMs: at });
        else
          acts.push({
            do: "change",
            kind: random.pick(["update", "update", "put", "handler"]),
            device,
            tab,
            atMs: at,
          });
      }
    }
  }
}

/** Something about who the session belongs to. */
function askOf(random: Random, topic: Topic, at: { device: number; tab: number; atMs: number }): Act {
  if (isAboutRooms(topic) && random.chance(0.4)) {
    const kind = topic === "rooms" || random.chance(0.7) ? "join" : "enter";
    return { do: "ask", kind, ...at };
  }
  const kind = random.pick([
    "login",
    "login",
    "login",
    "regenerate",
    "regenerate",
    "logout",
    "destroy",
  ] as const);
  if (kind === "logout" && isAboutRooms(topic) && random.chance(0.5))
    return { do: "ask", kind: "logout keeping rooms", ...at };
  return { do: "ask", kind: kind === "destroy" && random.chance(0.7) ? "login" : kind, ...at };
}
