import type { Log } from "../base/log.js";
import { SessionError } from "../errors.js";
import type { SocketCounts } from "./socket-counts.js";

const MAX_HELD_EVENTS = 1000;
const MAX_HELD_BYTES = 1_048_576;

export interface HeldEvent {
  readonly next: () => void;
  readonly bytes: number;
}

/** Events of one socket that wait, in order, while its session is being opened. */
export class HeldEvents {
  #events: HeldEvent[] = [];
  #bytes = 0;
  #counts: SocketCounts | undefined;

  constructor(counts: SocketCounts) {
    this.#counts = counts;
  }

  get length(): number {
    return this.#events.length;
  }

  /** Takes an event in; `false` when that would be more than 1000 events or about 1 MiB. */
  hold(event: readonly unknown[], next: () => void): boolean {
    const bytes = roughBytes(event);
    if (this.#events.length >= MAX_HELD_EVENTS || this.#bytes + bytes > MAX_HELD_BYTES) return false;
    this.#bytes += bytes;
    this.#events.push({ next, bytes });
    if (this.#counts) this.#counts.heldEvents++;
    return true;
  }

  /** Nothing that was waited for is under way any more. */
  resume(): void {
    this.release();
  }

  /** The client presents a token. */
  markToken(): void {}

  /**
   * Whether `then` will be run when those that came before the token have gone on: these all wait for what it
   * opens.
   */
  runAfterEarlierEvents(_then: () => void): boolean {
    return false;
  }

  /**
   * Lets the first ones go on, in order. Socket.IO dispatches each on `process.nextTick`, so the order stays.
   */
  release(count = this.length): void {
    for (const { next } of this.drop(count)) next();
  }

  /** Takes the first ones out. */
  drop(count = this.length): readonly HeldEvent[] {
    const first = this.#events.splice(0, count);
    for (const { bytes } of first) this.#bytes -= bytes;
    if (this.#counts) this.#counts.heldEvents -= first.length;
    return first;
  }

  /** Those that wait will never go on: their socket goes. */
  abandon(): void {
    if (this.#counts) this.#counts.heldEvents -= this.length;
    this.#counts = undefined;
  }
}

export function logOverflow(log: Log): void {
  const { code, message } = new SessionError(
    "SESSION_QUEUE_FULL",
    "a socket sent too much while its events waited",
  );
  log.warn({ code }, `${message}; its connection was closed`);
}

/**
 * About how much memory an event takes. Not recursive: what clients send may be nested deeply enough to end
 * the stack.
 */
function roughBytes(event: readonly unknown[]): number {
  let bytes = 0;
  const rest: unknown[] = [...event];
  while (rest.length > 0 && bytes <= MAX_HELD_BYTES) {
    const value = rest.pop();
    bytes += 8;
    if (typeof value === "string") bytes += value.length;
    else if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) bytes += value.byteLength;
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        bytes += key.length;
        rest.push(inner);
      }
    }
  }
  return bytes;
}
