import { Duplex } from "node:stream";
import type { SimulatedProcess } from "../world/process.js";
import type { Line } from "./line.js";

/** One end of a line as the socket of an HTTP connection: Node's own parser reads and writes it. */
export class LineStream extends Duplex {
  readonly remoteAddress: string;
  readonly #line: Line;
  readonly #side: 0 | 1;

  constructor(line: Line, side: 0 | 1, process: SimulatedProcess, address: string) {
    // As Node has them: a server may answer a client that has ended, a client has nothing more to say.
    super({ allowHalfOpen: side === 1 });
    this.remoteAddress = address;
    this.#line = line;
    this.#side = side;
    line.join(side, {
      process,
      hear: (packet) => this.push(Buffer.from(packet, "latin1")),
      closed: () => {
        this.push(null);
        // As net.Socket: one that nobody reads is to hear of its end too.
        this.read(0);
      },
    });
    this.on("error", () => {});
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#line.send(this.#side, [chunk.toString("latin1")]);
    done();
  }

  override _final(done: () => void): void {
    this.#line.close(this.#side);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#line.close(this.#side);
    done(error);
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  // What else of `net.Socket` is called: there are no timers of the system's here.
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
