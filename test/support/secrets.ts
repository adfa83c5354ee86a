import { parseToken } from "../../src/token/token.js";

/**
 * Looks for tokens, their secrets and the hashes of these, in every form in which one of them might have got
 * out.
 */
export class Secrets {
  readonly #forms = new Map<string, string>();

  add(token: string): void {
    const parsed = parseToken(token);
    if (!parsed) throw new Error("that is no token");
    const secret = token.slice(33);
    this.#forms.set(token, "token");
    this.#forms.set(secret, "secret");
    this.#addBytes("secret", Buffer.from(secret, "base64url"));
    this.#addBytes("hash", Buffer.from(parsed.secretHash));
  }

  #addBytes(what: "secret" | "hash", bytes: Buffer): void {
    this.#forms.set(bytes.toString("latin1"), what);
    this.#forms.set(bytes.toString("hex"), what);
    this.#forms.set(bytes.toString("hex").toUpperCase(), what);
    this.#forms.set(bytes.toString("base64url"), what);
    this.#forms.set(bytes.toString("base64").replace("=", ""), what);
    // A Buffer as JSON.stringify writes it.
    this.#forms.set(bytes.join(), what);
  }

  /** All that is searched for: the very texts, and what each is a form of. */
  get forms(): IterableIterator<[text: string, what: string]> {
    return this.#forms.entries();
  }

  /**
   * What of it is in these texts or bytes, also inside of base64 (at whatever place it begins), twice over.
   */
  in(...where: (string | Uint8Array)[]): string[] {
    const found = new Set<string>();
    for (const each of where) {
      const text = typeof each === "string" ? each : Buffer.from(each).toString("latin1");
      this.#look(text, 2, found);
    }
    return [...found].sort();
  }

  #look(text: string, depth: number, found: Set<string>): void {
    for (const [form, what] of this.#forms) if (text.includes(form)) found.add(what);
    if (depth === 0) return;
    for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{40,}/g)) {
      for (let at = 0; at < 4; at++) {
        this.#look(Buffer.from(run.slice(at), "base64").toString("latin1"), depth - 1, found);
      }
    }
  }
}

const SHORT: Record<string, string> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };

/** Text of MONITOR with its bytes as they were, each one character. */
export function unescapeMonitor(text: string): string {
  return text.replace(/\\(x[0-9a-f]{2}|.)/g, (_, escaped: string) =>
    escaped.length === 3
      ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
      : (SHORT[escaped] ?? escaped),
  );
}
