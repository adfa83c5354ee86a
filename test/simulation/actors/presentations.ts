/**
 * Which tokens a page has presented on its connection, and how many answers are still to come: whether an
 * answer is one to the token held.
 */
export class Presentations {
  #unanswered = 0;
  #late = 0;
  /** The last answer came while another one was to come. */
  isCrossed = false;

  /** A new connection. */
  begin(): void {
    this.#unanswered = 0;
    this.#late = 0;
  }

  /** A packet of Engine.IO that the page sends. */
  sends(packet: string): void {
    if (packet.startsWith("40") || packet.includes('["getToken"')) this.#unanswered++;
  }

  /** One that it gets. A new token for the same session is no answer. */
  gets(packet: string): void {
    if (!packet.includes('["gotToken"') || !packet.includes('"created":')) return;
    // Those that are still to come are to what was presented before this one brought another token.
    this.isCrossed = this.#unanswered > 1 || this.#late > 0;
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    this.#late = Math.max(this.#unanswered, this.#late - 1);
  }
}
