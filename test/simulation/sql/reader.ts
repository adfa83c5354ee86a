import { type Token, tokensOf, UnknownStatement } from "./tokens.js";

/** Reads a statement word by word. */
export class Reader {
  readonly sql: string;
  readonly #tokens: Token[];
  #at = 0;
  /** How many values have been asked for by `?` so far. */
  parameters = 0;

  constructor(sql: string) {
    this.sql = sql;
    this.#tokens = tokensOf(sql);
  }

  get token(): Token {
    return this.#tokens[this.#at] as Token;
  }

  take(): Token {
    const { token } = this;
    this.#at++;
    return token;
  }

  /** The text of the word before. */
  get previous(): string {
    return this.#tokens[this.#at - 1]?.text ?? "";
  }

  /** Whether this column comes next, with or without the name of its table. */
  seesColumn(name: string): boolean {
    const isAt = (at: number) => this.#tokens[at]?.text.toLowerCase() === name;
    return isAt(this.#at) || (this.#tokens[this.#at + 1]?.text === "." && isAt(this.#at + 2));
  }

  /** Whether these words come next. */
  sees(...words: string[]): boolean {
    return words.every((word, n) => {
      const token = this.#tokens[this.#at + n];
      return (
        token !== undefined &&
        (token.kind === "word" || token.kind === "mark") &&
        token.text.toLowerCase() === word
      );
    });
  }

  /** Takes these words if they come next. */
  has(...words: string[]): boolean {
    if (!this.sees(...words)) return false;
    this.#at += words.length;
    return true;
  }

  expect(...words: string[]): void {
    if (!this.has(...words)) throw this.unknown(`where "${words.join(" ")}" was expected`);
  }

  name(): string {
    const { kind, text } = this.take();
    if (kind !== "name" && kind !== "word") throw this.unknown(`"${text}" is no name`);
    return text;
  }

  /** One or more, with commas between them. */
  list<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.has(",")) items.push(item());
    return items;
  }

  unknown(where: string): UnknownStatement {
    return new UnknownStatement(this.sql, `${where} (word ${this.#at}: "${this.token.text}")`);
  }
}
