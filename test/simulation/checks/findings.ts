import type { Timeline } from "../world/timeline.js";

/** Something that must not be. */
export interface Finding {
  readonly kind: string;
  readonly text: string;
  readonly atMs: number;
}

/** What a run has found. */
export class Findings {
  readonly list: Finding[] = [];
  readonly #timeline: Timeline;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  add(kind: string, text: string): void {
    this.list.push({ kind, text, atMs: this.#timeline.nowMs });
  }
}
