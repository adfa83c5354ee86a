import { Device } from "../actors/device.js";
import { Node } from "../actors/node.js";
import type { Thief } from "../actors/thief.js";
import { Agreement } from "../checks/agreement.js";
import { Calm } from "../checks/calm.js";
import { Expiry } from "../checks/expiry.js";
import { Ledger } from "../checks/ledger.js";
import { Notes } from "../checks/notes.js";
import { Recovery } from "../checks/recovery.js";
import { RequestRotations } from "../checks/request-rotations.js";
import { checkRooms } from "../checks/rooms.js";
import { Standings } from "../checks/standing.js";
import { Thieves } from "../checks/thieves.js";
import { WebChecks } from "../checks/web.js";
import { Cluster } from "../database/cluster.js";
import { Database } from "../database/database.js";
import { Bus } from "../network/bus.js";
import type { Line, NetworkWeather } from "../network/line.js";
import { isAboutRooms } from "../plan/clients.js";
import type { Plan, Settings, Topic } from "../plan/plan.js";
import type { Programs } from "./programs.js";
import { Random } from "./random.js";
import { type Lane, Timeline } from "./timeline.js";

/** Everything that one run is about. */
export class World implements Lane {
  readonly name = "world";
  readonly isAlive = true;
  readonly pausedUntilMs = 0;
  readonly programs: Programs;
  readonly settings: Settings;
  readonly topic: Topic;
  readonly random: Random;
  readonly timeline: Timeline;
  readonly database: Database;
  readonly bus: Bus;
  readonly network: NetworkWeather = { way: [0, 3], slow: 0, slowMs: 3_000, cut: 0 };
  readonly ledger: Ledger;
  readonly expiry: Expiry;
  readonly web: WebChecks;
  readonly rotations: RequestRotations;
  readonly nodes: Node[];
  readonly devices: Device[];
  /** Who has a copy of a device's token. */
  readonly people: Thief[] = [];
  readonly calm: Calm;
  readonly standings: Standings;
  readonly thieves: Thieves;
  readonly notes: Notes;
  readonly recovery: Recovery;
  readonly #agreement: Agreement;
  /** How many logins have been asked for: each is of a user of its own. */
  users = 0;
  readonly lines = new Set<[Line, Node]>();
  /** How often each kind of fault took effect. */
  readonly effects = new Map<string, number>();
  readonly count = (what: string) => void this.effects.set(what, (this.effects.get(what) ?? 0) + 1);
  readonly #routes: Random;

  /** Then all faults are over. */
  readonly endMs: number;

  constructor(plan: Plan, programs: Programs) {
    const { seed, topic, settings, acts, endMs } = plan;
    this.programs = programs;
    this.settings = settings;
    this.topic = topic;
    this.endMs = endMs;
    this.random = new Random(seed);
    this.#routes = this.random.stream("routes");
    this.timeline = new Timeline(`${seed}/order`);
    const { engine, cluster } = settings;
    this.database = new Database(this.timeline, {
      engine,
      random: this.random.stream("database"),
      count: this.count,
    });
    if (cluster)
      this.database.cluster = new Cluster(cluster.kind, { ...cluster, random: this.random.stream("proxy") });
    this.bus = new Bus(this.random.stream("bus"), this.count);
    this.ledger = new Ledger(this.database, this.timeline);
    this.expiry = new Expiry(plan, this.database, this.ledger.findings, this.count);
    this.database.onLoss = (lost) => {
      for (const { change } of lost) this.standings.committed(change);
      this.ledger.lost(lost);
    };
    this.calm = new Calm(acts, endMs);
    this.standings = new Standings(() => this.timeline.nowMs);
    this.thieves = new Thieves(this);
    this.notes = new Notes(this);
    this.recovery = new Recovery(this);
    this.#agreement = new Agreement(this);
    const { database, timeline, ledger, expiry } = this;
    this.web = new WebChecks({
      database,
      timeline,
      ledger,
      expiry,
      ...(settings.options as { storeTimeout: number }),
    });
    this.rotations = new RequestRotations(timeline, this, (device) => ledger.identities.mayLose(device));
    this.database.onCommit = (change, before, by, beganAt) => {
      this.web.committed(change);
      this.standings.committed(change);
      this.ledger.committed(change, before, by);
      this.expiry.committed(change, before, by, beganAt);
      this.thieves.committed(change, before, by);
    };
    this.bus.onDelivery = (process, text) => {
      const node = this.nodes.find((each) => each.process === process);
      if (node) this.notes.arrives(node, text);
    };
    this.nodes = settings.wrongByMs.map((wrongByMs, n) => new Node(this, `node${n + 1}`, wrongByMs));
    this.devices = Array.from(
      { length: settings.devices },
      (_, n) => new Device(this, `device${n + 1}`, settings.kinds?.[n]),
    );
  }

  /** Where the load balancer sends who connects. */
  nodeFor(_page: string): Node | undefined {
    const up = this.nodes.filter(({ isUp }) => isUp);
    return up.length > 0 ? this.#routes.pick(up) : undefined;
  }

  /** Whether a page has this session open. */
  isConnected(sessionId: string): boolean {
    return this.devices.some(({ pages }) =>
      pages.some((page) => page?.isOpen && page.session.id === sessionId),
    );
  }

  /** Whether no node has stood still, or been down, in the last seconds. */
  get isPrompt(): boolean {
    const sinceMs = this.timeline.nowMs - 10_000;
    return this.nodes.every(({ process, isUp }) => isUp && process.pausedUntilMs < sinceMs);
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    for (const [line] of this.lines) line.tell();
  }

  /** Nothing happens any more. */
  end(): void {
    for (const { process } of this.nodes) process.crash();
    for (const thief of this.people) thief.close();
    for (const { pages } of this.devices) for (const page of pages) page?.process.crash();
  }

  /** What must hold whenever a process has come to rest. */
  afterStep(): void {
    const up = this.nodes.filter(({ isUp }) => isUp);
    // Whether a socket has had a session: it may have lost it by its first event.
    for (const { sockets } of up) for (const socket of sockets) this.recovery.note(socket);
    if (!isAboutRooms(this.topic)) return;
    for (const node of up) {
      checkRooms(node.name, node.sockets, this.ledger.findings);
      this.thieves.check(node.name, node.sockets);
    }
    this.notes.check();
    this.#agreement.check();
  }

  /** Whether a device has an old client. */
  isOld(device: string): boolean {
    return this.settings.oldDevices?.includes(Number(device.slice("device".length)) - 1) ?? false;
  }

  /**
   * Whether pages of a device send nothing before they have a session: an old client does, and so does a page
   * that has its session by a cookie, and perhaps none.
   */
  waitsForSession(device: string): boolean {
    const { kind } = this.devices.find(({ name }) => name === device) ?? {};
    return !this.isOld(device) && kind !== "cookie";
  }

  /** Within what time every node knows of an end, a login and a logout, while nothing goes wrong. */
  get toldAfterMs(): number {
    // With a bus at once: a row has to be read.
    return this.settings.hasBus ? 5_000 : this.sweptAfterMs;
  }

  /** Within what time the sweep has passed over all sessions. */
  get sweptAfterMs(): number {
    return Number(this.settings.options["revalidate"] ?? 30) * 1_000 + 10_000;
  }

  /** Whether every node must know by now of what is so since then, and `moreMs` have passed since it did. */
  isKnown(sinceMs: number, moreMs = 0): boolean {
    const { nowMs } = this.timeline;
    const [toldMs, sweptMs] = [this.toldAfterMs + moreMs, this.sweptAfterMs + moreMs];
    const isPast = (ms: number, calmFromMs: number) =>
      nowMs - sinceMs > ms && this.calm.isBetween(calmFromMs, nowMs);
    // What was not heard while something went wrong, the sweep finds afterwards.
    return isPast(toldMs, sinceMs) || isPast(sweptMs, nowMs - sweptMs);
  }

  crash(node: Node): void {
    node.crash();
    for (const [line, of] of this.lines) {
      if (of !== node) continue;
      line.cut();
      this.lines.delete([line, of]);
    }
  }
}
