import type { Transport } from "engine.io-client";
import type { SimulatedProcess } from "../world/process.js";
import type { Line } from "./line.js";
import { type Packet, toText } from "./packets.js";

type Base = new (
  options: object,
) => Transport & {
  writable: boolean;
  onOpen(): void;
  onData(data: string): void;
  onClose(): void;
  onError(reason: string): void;
  emitReserved(event: string): void;
};

/**
 * The transport of a page: Engine.IO's client with a simulated line. `dial` gives a line to a node, or
 * nothing where none answers.
 */
export function clientTransport(
  base: unknown,
  { process, dial }: { process: SimulatedProcess; dial: () => Line | undefined },
): new (
  options: object,
) => Transport {
  return class extends (base as Base) {
    #line: Line | undefined;

    get name(): string {
      return "websocket";
    }

    doOpen(): void {
      const line = dial();
      this.#line = line;
      if (!line) {
        process.receive(20, "refused", () => this.onError("websocket error"));
        return;
      }
      line.join(0, {
        process,
        hear: (packet) => {
          if (packet === "accepted") this.onOpen();
          else this.onData(packet);
        },
        closed: () => this.onClose(),
      });
      line.send(0, ["dial"]);
    }

    write(packets: Packet[]): void {
      this.writable = false;
      this.#line?.send(0, packets.map(toText));
      globalThis.process.nextTick(() => {
        this.writable = true;
        this.emitReserved("drain");
      });
    }

    doClose(): void {
      this.#line?.close(0);
    }
  };
}
