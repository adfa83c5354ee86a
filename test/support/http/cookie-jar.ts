/**
 * The cookies of one browser at one server, each with a name of its own; whoever sends a cookie anew replaces
 * it.
 */
export class CookieJar {
  readonly #url: string;
  readonly #cookies = new Map<string, string>();

  /** `url` ends with a slash. */
  constructor(url: string) {
    this.#url = url;
  }

  /** As the header `Cookie` has them. */
  get header(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  set header(text: string) {
    this.#cookies.clear();
    for (const cookie of text.split("; ")) this.#keep(cookie);
  }

  /** Sends a POST and keeps the cookies of the answer; gives its JSON. */
  async post(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(this.#url + path, { method: "POST", headers: { cookie: this.header } });
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie.split(";")[0] ?? "");
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  }

  #keep(cookie: string): void {
    const [, name = "", value = ""] = /^([^=]*)=(.*)$/.exec(cookie) ?? [];
    if (value === "") this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}
