import { clientTransport } from "../network/client-transport.js";
import { Line } from "../network/line.js";
import { SimulatedProcess } from "../world/process.js";
import type { World } from "../world/world.js";

/** Socket.IO's client, as far as it is used. */
export interface BareSocket {
  auth: object;
  readonly connected: boolean;
  connect(): void;
  disconnect(): void;
  emit(event: string, ...given: unknown[]): void;
  on(event: string, listener: (content: never) => void): void;
  timeout(ms: number): BareSocket;
}

/** Socket.IO's client in a process of its own, without ours on it: whatever presents a token presents it itself. */
export class BareClient {
  readonly process: SimulatedProcess;
  readonly socket: BareSocket;
  line: Line | undefined;

  /** `address`: by which a node knows it. */
  constructor(world: World, name: string, address: string) {
    this.process = new SimulatedProcess(name, world.timeline, world.random.stream(name));
    const { process } = this;
    const { setTimeout, clearTimeout, setInterval, clearInterval } = process.globals;
    const window = {
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      addEventListener: () => {},
      document: undefined,
    };
    const program = world.programs.client.startIn({ globals: { ...process.globals, window } });
    const transport = clientTransport(program.Transport, {
      process,
      dial: () => {
        const node = world.nodeFor(name);
        if (!node) return undefined;
        this.line = new Line(world.network, world.random.stream(`${name}/line`), world.count);
        node.accept(this.line, address);
        world.lines.add([this.line, node]);
        return this.line;
      },
    });
    const manager = new program.Manager("http://app.example", {
      transports: [transport as never],
      autoConnect: false,
    });
    this.socket = manager.socket("/") as unknown as BareSocket;
  }

  /** One of the process's own. */
  after(delayMs: number, what: string, run: () => void): void {
    this.process.receive(delayMs, what, run);
  }

  close(): void {
    this.process.crash();
    this.line?.cut();
  }
}
