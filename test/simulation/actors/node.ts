import { SimulatedPool } from "../database/pool.js";
import { busAdapter } from "../network/bus.js";
import { SimulatedEngine } from "../network/engine.js";
import type { Line } from "../network/line.js";
import { SimulatedProcess } from "../world/process.js";
import type { World } from "../world/world.js";
import { type AppSocket, type Handle, handleEvents } from "./application.js";
import { type Middleware, WebServer, webOptions } from "./web-server.js";

/** What is used of the product, and of Socket.IO, in a node. */
export interface Sessions {
  attach(server: unknown): Sessions;
  on(event: string, listener: (content: { sessionId: string; reason?: string }) => void): Sessions;
  toUser(userId: string): { emit(event: string, ...given: unknown[]): void };
  forUser(userId: string): Promise<readonly { readonly sessionId: string }[]>;
  destroyForUser(userId: string): Promise<number>;
  handler(handler: (...given: never[]) => unknown): (...given: unknown[]) => void;
  express(options: object): Middleware;
  find(sessionId: string): Promise<Handle | undefined>;
  close(): Promise<void>;
}

export interface SocketServer {
  bind(engine: object): void;
  on(event: "connection", listener: (socket: unknown) => void): void;
  emit(event: string, ...given: unknown[]): void;
  of(name: string): { readonly sockets: ReadonlyMap<string, AppSocket> };
}

/** One Socket.IO process of the application. It is started again after a crash, as a new process. */
export class Node {
  readonly name: string;
  readonly #world: World;
  #starts = 0;
  process!: SimulatedProcess;
  pool!: SimulatedPool;
  sessions!: Sessions;
  #engine!: SimulatedEngine;
  #io!: SocketServer;
  /** Where runs are about HTTP too. */
  web: WebServer | undefined;
  /** How wrong its machine's clock is. */
  readonly wrongByMs: number;

  constructor(world: World, name: string, wrongByMs: number) {
    this.#world = world;
    this.name = name;
    this.wrongByMs = wrongByMs;
    this.start();
  }

  get isUp(): boolean {
    return this.process.isAlive;
  }

  start(): void {
    const { timeline, random, database, bus, settings, programs } = this.#world;
    const name = `${this.name}.${++this.#starts}`;
    const process = new SimulatedProcess(name, timeline, random.stream(name));
    process.wrongByMs = this.wrongByMs;
    this.process = process;
    this.pool = new SimulatedPool(process, database, settings.connections);
    const program = programs.server.startIn(process);
    const engine = new SimulatedEngine(program, process);
    this.#engine = engine;
    const io = new program.Server({
      serveClient: false,
      adapter: settings.hasBus
        ? busAdapter(program.ClusterAdapter, bus, { process, recovers: settings.recovery !== undefined })
        : undefined,
      ...(settings.recovery && { connectionStateRecovery: { ...settings.recovery } }),
    });
    this.#io = io;
    io.bind(engine);
    engine.onPacket = (connection, packet, way) =>
      this.#world.notes.passes(this, { connection, packet, way });
    const clock = {
      now: () => process.now(),
      wallNow: () => process.wallNow(),
      after: (delayMs: number, run: () => void) => {
        const timer = timeline.timer(timeline.nowMs + Math.max(1, delayMs), process, "clock", run);
        return () => {
          timer.isCancelled = true;
        };
      },
    };
    const hasWeb = this.#world.topic === "cookies";
    const options = { ...settings.options, ...(hasWeb && webOptions(program)) };
    const sessions = program.tokenSession({ db: this.pool, logger: false, clock, ...options }).attach(io);
    sessions.on("sessionEnd", ({ sessionId, reason }) => {
      const { expiry } = this.#world;
      if (reason === "expired") expiry.ended(this.name, sessionId, this.#world.isConnected(sessionId));
    });
    this.sessions = sessions;
    if (hasWeb) this.web = new WebServer({ process, program, sessions, world: this.#world });
    io.on("connection", (socket) => handleEvents(socket as AppSocket, this, this.#world));
  }

  /** Its sockets that are connected. */
  get sockets(): Iterable<AppSocket> {
    return this.#io.of("/").sockets.values();
  }

  /** To all sockets, on each node. */
  sendToAll(event: string, given: unknown): void {
    this.#io.emit(event, given);
  }

  accept(line: Line, address: string, cookie = ""): void {
    this.#engine.accept(line, address, cookie);
  }

  /** Between two steps. Its lines are cut: the system sees to that. */
  crash(): void {
    this.process.crash();
  }
}
