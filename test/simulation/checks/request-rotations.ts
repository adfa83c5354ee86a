import type { Lane, Timeline } from "../world/timeline.js";

/** How long sockets with the old token are asked again before they are disconnected, and less. */
const EXCUSED_MS = 8_000;

interface UnderWay {
  requests: number;
  /** Those that nobody has heard of count on: they may still come. */
  others: number;
}

/**
 * Logins and the like by HTTP, which take effect in one step: "let nothing else run while a login does", and a
 * lost answer is a lost token (docs/http.md). So a device may lose its session where one of its own is
 * disturbed.
 */
export class RequestRotations {
  readonly #timeline: Timeline;
  readonly #lane: Lane;
  readonly #mayLose: (device: string) => void;
  readonly #devices = new Map<string, UnderWay>();

  constructor(timeline: Timeline, lane: Lane, mayLose: (device: string) => void) {
    this.#timeline = timeline;
    this.#lane = lane;
    this.#mayLose = mayLose;
  }

  /** A page asks for one; gives what is to be told the answer. */
  begins(device: string, by: "requests" | "others"): (code: string) => void {
    const underWay = this.#of(device);
    underWay[by]++;
    if (underWay.requests > 0 && underWay.requests + underWay.others > 1) this.#mayLose(device);
    let isOver = false;
    if (by === "requests") {
      this.#timeline.at(this.#timeline.nowMs + EXCUSED_MS, this.#lane, "an answer is late", () => {
        if (!isOver) this.#mayLose(device);
      });
    }
    return (code) => {
      isOver = true;
      if (code !== "gone") underWay[by]--;
      else if (by === "requests") this.#mayLose(device);
    };
  }

  /** Something of the device presents the token that it has, or waits. */
  disturbs(device: string): void {
    if (this.#of(device).requests > 0) this.#mayLose(device);
  }

  #of(device: string): UnderWay {
    let underWay = this.#devices.get(device);
    if (!underWay) {
      underWay = { requests: 0, others: 0 };
      this.#devices.set(device, underWay);
    }
    return underWay;
  }
}
