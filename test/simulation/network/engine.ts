import { EventEmitter } from "node:events";
import type { SimulatedProcess } from "../world/process.js";
import type { Line } from "./line.js";
import { type Packet, toText } from "./packets.js";

/** What is used of Engine.IO's own classes. */
export interface EngineClasses {
  readonly EngineSocket: new (
    id: string,
    server: object,
    transport: object,
    request: object,
    protocol: number,
  ) => object;
  readonly EngineTransport: new (
    request: object,
  ) => EventEmitter & {
    writable: boolean;
    onData(data: string): void;
    onClose(): void;
  };
}

/** The engine below a Socket.IO server: Engine.IO's own sockets, with their pings, on simulated lines. */
export class SimulatedEngine extends EventEmitter {
  readonly opts = {
    pingInterval: 25_000,
    pingTimeout: 20_000,
    upgradeTimeout: 10_000,
    maxHttpBufferSize: 1e6,
    transports: ["websocket"],
  };
  readonly #classes: EngineClasses;
  readonly #process: SimulatedProcess;
  /** Is told of each packet, and of which of Engine.IO's sockets it is. */
  onPacket: ((connection: object, packet: string, way: "in" | "out") => void) | undefined;
  #count = 0;

  constructor(classes: EngineClasses, process: SimulatedProcess) {
    super();
    this.#classes = classes;
    this.#process = process;
  }

  upgrades(): string[] {
    return [];
  }

  use(): void {}

  close(): void {}

  /** A page has dialled. */
  accept(line: Line, address: string, cookie = ""): void {
    const request = {
      _query: { EIO: "4", transport: "websocket" },
      url: "/socket.io/?EIO=4&transport=websocket",
      method: "GET",
      headers: { host: "app.example", ...(cookie && { cookie }) },
      connection: { remoteAddress: address },
    };
    const { EngineSocket, EngineTransport } = this.#classes;
    const tell = (packet: string, way: "in" | "out") =>
      connection && this.onPacket?.(connection, packet, way);
    let connection: object | undefined;
    class Transport extends EngineTransport {
      readonly handlesUpgrades = true;
      readonly supportsFraming = true;
      override writable = true;

      get name(): string {
        return "websocket";
      }

      send(packets: Packet[]): void {
        const texts = packets.map(toText);
        for (const text of texts) tell(text, "out");
        line.send(1, texts);
        this.emit("drain");
        this.emit("ready");
      }

      doClose(done?: () => void): void {
        line.close(1);
        done?.();
      }
    }
    const transport = new Transport(request);
    line.join(1, {
      process: this.#process,
      hear: (packet) => {
        if (packet !== "dial") {
          tell(packet, "in");
          return transport.onData(packet);
        }
        line.send(1, ["accepted"]);
        const id = `engine${++this.#count}`;
        connection = new EngineSocket(id, this, transport, request, 4);
        this.emit("connection", connection);
      },
      closed: () => transport.onClose(),
    });
  }
}
