import { clientTransport } from "../network/client-transport.js";
import type { Fetch } from "../network/fetch.js";
import { Line } from "../network/line.js";
import { SimulatedProcess } from "../world/process.js";
import type { World } from "../world/world.js";
import type { Device } from "./device.js";
import { fetchOf } from "./requests.js";

/** What is used of the client. */
interface ClientSession {
  readonly id: string;
  readonly token: string;
  readonly state: string;
  on(event: string, listener: (content: { id?: string; created?: boolean; reason?: string }) => void): void;
  forget(): Promise<void>;
  resume(): void;
  fetch: typeof fetch;
}
interface ClientSocket {
  readonly connected: boolean;
  connect(): void;
  disconnect(): void;
  emit(event: string, ...given: unknown[]): void;
  on(event: string, listener: (reason: string) => void): void;
  timeout(ms: number): ClientSocket;
}

/** A page whose session is its cookie's has none of our client. */
const WITHOUT_CLIENT = { state: "open", id: "", token: "" } as ClientSession;

/** How long a page waits for the answer to what it asks. */
const PATIENCE_MS = 40_000;

/**
 * A page, or an app: our client on a connection of Socket.IO. It ends when it is closed, and loses what it
 * was told from then on.
 */
export class Page {
  readonly process: SimulatedProcess;
  readonly session: ClientSession;
  readonly fetch: Fetch;
  readonly #socket: ClientSocket;
  line: Line | undefined;
  readonly #listeners: { type: string; listener: (event: object) => void }[] = [];

  constructor(device: Device, world: World, name: string) {
    this.process = new SimulatedProcess(name, world.timeline, world.random.stream(name));
    this.fetch = fetchOf(this, device, world);
    const globals = { ...this.process.globals, window: this.#window(), fetch: this.fetch };
    const program = world.programs.client.startIn({ globals });
    const transport = clientTransport(program.Transport, {
      process: this.process,
      dial: () => {
        world.rotations.disturbs(device.name);
        const node = world.nodeFor(name);
        if (!node) return undefined;
        this.line = new Line(world.network, world.random.stream(`${name}/line`), world.count);
        node.accept(this.line, device.name, device.jar.header);
        world.lines.add([this.line, node]);
        return this.line;
      },
    });
    const manager = new program.Manager("http://app.example", { transports: [transport as never] });
    this.#socket = manager.socket("/") as unknown as ClientSocket;
    if (device.kind === "cookie") {
      this.session = WITHOUT_CLIENT;
      this.#comeBack();
      return;
    }
    this.session = program.tokenSession(this.#socket as never, {
      storage: device.kind === "bridge" ? program.httpOnlyCookie() : device.storageOf(this),
    }) as unknown as ClientSession;
    for (const event of ["state", "end", "start", "error"])
      this.session.on(event, (content) =>
        world.timeline.tell(name, () => `${event} ${JSON.stringify(content)}`),
      );
    this.session.on("start", ({ id = "", created }) => {
      if (created !== true)
        world.expiry.opened(device.name, id, world.isPrompt && this.process.pausedUntilMs === 0);
      world.ledger.identities.starts(device.name, id, {
        created: created === true,
        isTwice: device.isBegunTwice(created === true),
      });
    });
  }

  /** Its cookie is another one: the socket is to have its session too (docs/http.md). */
  reconnect(): void {
    this.#socket.disconnect();
    this.#socket.connect();
  }

  /** Where our client does not see to that. */
  #comeBack(): void {
    this.#socket.on("disconnect", (reason) => {
      if (reason === "io server disconnect")
        this.process.receive(1_000, "connects again", () => this.#socket.connect());
    });
  }

  /** The page's own globals. */
  #window(): object {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = this.process.globals;
    const addEventListener = (type: string, listener: (event: object) => void) =>
      void this.#listeners.push({ type, listener });
    return { setTimeout, clearTimeout, setInterval, clearInterval, addEventListener, document: undefined };
  }

  /** What the browser tells the page. */
  hear(type: "storage" | "online" | "resume", event: object = {}): void {
    this.process.receive(0, type, () => {
      for (const each of this.#listeners) if (each.type === type) each.listener({ type, ...event });
    });
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

  close(): void {
    this.process.crash();
    this.line?.cut();
  }
}
