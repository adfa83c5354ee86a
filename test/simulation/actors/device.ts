import { clientTransport } from "../network/client-transport.js";
import { Line } from "../network/line.js";
import { SimulatedProcess } from "../world/process.js";
import type { World } from "../world/world.js";

/** What is used of the client. */
interface ClientSession {
  readonly id: string;
  readonly token: string;
  readonly state: string;
  on(event: string, listener: (content: { id?: string; created?: boolean; reason?: string }) => void): void;
  forget(): Promise<void>;
  resume(): void;
}
interface ClientSocket {
  readonly connected: boolean;
  connect(): void;
  disconnect(): void;
  emit(event: string, ...given: unknown[]): void;
  on(event: string, listener: (reason: string) => void): void;
  timeout(ms: number): ClientSocket;
}

/** How long a page waits for the answer to what it asks. */
const PATIENCE_MS = 40_000;

/** A page, or an app: our client on a connection of Socket.IO. It ends when it is closed, and loses what it was told from then on. */
export class Page {
  readonly process: SimulatedProcess;
  readonly session: ClientSession;
  readonly #socket: ClientSocket;
  line: Line | undefined;

  constructor(device: Device, world: World, name: string) {
    this.process = new SimulatedProcess(name, world.timeline, world.random.stream(name));
    const globals = { ...this.process.globals, window: this.#window() };
    const program = world.programs.client.startIn({ globals });
    const transport = clientTransport(program.Transport, this.process, () => {
      const node = world.nodeFor(name);
      if (!node) return undefined;
      this.line = new Line(world.network, world.random.stream(`${name}/line`), world.count);
      node.accept(this.line, device.name);
      world.lines.add([this.line, node]);
      return this.line;
    });
    const manager = new program.Manager("http://app.example", { transports: [transport as never] });
    this.#socket = manager.socket("/") as unknown as ClientSocket;
    this.session = program.tokenSession(this.#socket as never, {
      storage: device.storage,
    }) as unknown as ClientSession;
    this.session.on("start", ({ id = "", created }) =>
      world.ledger.starts(device.name, id, created === true),
    );
    this.session.on("end", ({ reason = "" }) => world.ledger.ends(device.name, reason));
  }

  /** The page's own globals. */
  #window(): object {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = this.process.globals;
    return {
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      addEventListener: () => {},
      document: undefined,
    };
  }

  get isOpen(): boolean {
    return this.process.isAlive && this.#socket.connected && this.session.state === "open";
  }

  /** Answers with what came of it, "gone" where nobody can tell. */
  ask(event: string, given: unknown[], told: (code: string) => void): void {
    let isOver = false;
    const over = (code: string) => {
      if (isOver) return;
      isOver = true;
      told(code);
    };
    this.#socket.on("disconnect", () => over("gone"));
    this.#socket
      .timeout(PATIENCE_MS)
      .emit(event, ...given, (error: unknown, code: string) => over(error ? "gone" : code));
  }

  resume(): void {
    this.session.resume();
  }

  close(): void {
    this.process.crash();
    this.line?.cut();
  }
}

/** A device: what it has stored, and its pages, one after the other or several. */
export class Device {
  readonly name: string;
  readonly items = new Map<string, string>();
  readonly storage = {
    getItem: (key: string) => this.items.get(key) ?? null,
    setItem: (key: string, value: string) => void this.items.set(key, value),
    removeItem: (key: string) => void this.items.delete(key),
  };
  readonly #world: World;
  readonly pages: (Page | undefined)[] = [];
  #opened = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  /** Opens a page in a tab, in place of the one that is there. */
  open(tab: number): void {
    this.pages[tab]?.close();
    this.pages[tab] = new Page(this, this.#world, `${this.name}.tab${tab}.${++this.#opened}`);
  }

  close(tab: number): void {
    this.pages[tab]?.close();
    this.pages[tab] = undefined;
  }
}
