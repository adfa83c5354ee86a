import { Device } from "../actors/device.js";
import { Node } from "../actors/node.js";
import { Ledger } from "../checks/ledger.js";
import { RequestRotations } from "../checks/request-rotations.js";
import { checkRooms } from "../checks/rooms.js";
import { WebChecks } from "../checks/web.js";
import { Database } from "../database/database.js";
import { Bus } from "../network/bus.js";
import type { Line, NetworkWeather } from "../network/line.js";
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
  /** What the product is known not to stand is a finding. */
  readonly hasGaps: boolean;
  readonly random: Random;
  readonly timeline: Timeline;
  readonly database: Database;
  readonly bus: Bus;
  readonly network: NetworkWeather = { way: [0, 3], slow: 0, slowMs: 3_000, cut: 0 };
  readonly ledger: Ledger;
  readonly web: WebChecks;
  readonly rotations: RequestRotations;
  readonly nodes: Node[];
  readonly devices: Device[];
  /** How many logins have been asked for: each is of a user of its own. */
  users = 0;
  readonly lines = new Set<[Line, Node]>();
  /** How often each kind of fault took effect. */
  readonly effects = new Map<string, number>();
  readonly count = (what: string) => void this.effects.set(what, (this.effects.get(what) ?? 0) + 1);
  readonly #routes: Random;

  /** Then all faults are over. */
  readonly endMs: number;

  constructor({ seed, topic, settings, endMs, gaps }: Plan, programs: Programs) {
    this.programs = programs;
    this.settings = settings;
    this.topic = topic;
    this.hasGaps = gaps;
    this.endMs = endMs;
    this.random = new Random(seed);
    this.#routes = this.random.stream("routes");
    this.timeline = new Timeline(this.random.stream("order"));
    const { engine } = settings;
    this.database = new Database(this.timeline, {
      engine,
      random: this.random.stream("database"),
      count: this.count,
    });
    this.bus = new Bus(this.random.stream("bus"), this.count);
    this.ledger = new Ledger(this.database, this.timeline, gaps);
    const { database, timeline, ledger } = this;
    this.web = new WebChecks({
      database,
      timeline,
      ledger,
      ...(settings.options as { storeTimeout: number }),
    });
    this.rotations = new RequestRotations(timeline, this, (device) => ledger.identities.mayLose(device));
    this.database.onCommit = (change, before, by) => {
      this.web.committed(change);
      ledger.committed(change, before, by);
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

  /** Nothing goes wrong any more. */
  heal(): void {
    for (const [line] of this.lines) line.tell();
  }

  /** Nothing happens any more. */
  end(): void {
    for (const { process } of this.nodes) process.crash();
    for (const { pages } of this.devices) for (const page of pages) page?.process.crash();
  }

  /** What must hold whenever a process has come to rest. */
  afterStep(): void {
    if (this.topic !== "rooms") return;
    for (const { isUp, name, sockets } of this.nodes)
      if (isUp) checkRooms(name, sockets, this.ledger.findings);
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
