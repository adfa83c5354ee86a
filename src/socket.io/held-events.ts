const MAX_HELD_EVENTS = 1000;
const MAX_HELD_BYTES = 1_048_576;

/** Events of one socket that wait, in order, while its session is being opened. */
export class HeldEvents {
  #next: (() => void)[] = [];
  #bytes = 0;

  /** Takes an event in; `false` when that would be more than 1000 events or about 1 MiB. */
  hold(event: readonly unknown[], next: () => void): boolean {
    this.#bytes += roughBytes(event);
    if (this.#next.length >= MAX_HELD_EVENTS || this.#bytes > MAX_HELD_BYTES) return false;
    this.#next.push(next);
    return true;
  }

  /** Lets all go on, in order. Socket.IO dispatches each on `process.nextTick`, so the order stays. */
  release(): void {
    const next = this.#next;
    this.drop();
    for (const goOn of next) goOn();
  }

  drop(): void {
    this.#next = [];
    this.#bytes = 0;
  }
}

/** About how much memory an event takes. Not recursive: what clients send may be nested deeply enough to end the stack. */
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
