/** The cookies of one device: of each name the one that has arrived last. */
export class Jar {
  readonly #cookies = new Map<string, string>();

  /** What goes along with a request; `""` where there is none. */
  get header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  get(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  /** The headers `Set-Cookie` of an answer. */
  take(headers: readonly string[]): void {
    for (const header of headers) {
      const [pair = "", ...settings] = header.split(/;\s*/);
      const at = pair.indexOf("=");
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      const isGone = settings.some((setting) => /^max-age=0$/i.test(setting));
      if (isGone || value === "") this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}
