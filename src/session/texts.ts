/** So few keys are compared one by one; a map of them would take more space than all the rest. */
const FEW = 8;

/**
 * Keys in their order, shared by the copies of a session's texts: a change mostly sets a key that is there.
 * Only ever added to: who has fewer texts does not see those that others have added.
 */
class Keys {
  readonly names: string[];
  /** Each as it begins its entry in JSON, once it has been written. */
  readonly #starts: (string | undefined)[] = [];
  #places: Map<string, number> | undefined;

  constructor(names: string[]) {
    this.names = names;
  }

  /** -1 where there is none. */
  placeOf(name: string): number {
    if (this.names.length <= FEW) return this.names.indexOf(name);
    this.#places ??= new Map(this.names.map((each, place) => [each, place]));
    return this.#places.get(name) ?? -1;
  }

  add(name: string): void {
    this.#places?.set(name, this.names.length);
    this.names.push(name);
  }

  startAt(place: number): string {
    let start = this.#starts[place];
    if (start === undefined) {
      start = `${JSON.stringify(this.names[place])}:`;
      this.#starts[place] = start;
    }
    return start;
  }
}

/**
 * JSON texts by key, in the order in which the keys came: a `Map` of which a copy is one array. A key that
 * was deleted leaves its place empty, until it comes back or too many are.
 */
export class Texts {
  #keys: Keys;
  #texts: (string | undefined)[];
  #size: number;

  constructor(keys = new Keys([]), texts: (string | undefined)[] = [], size = 0) {
    this.#keys = keys;
    this.#texts = texts;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** With those left empty. */
  get places(): number {
    return this.#texts.length;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get(key: string): string | undefined {
    return this.#texts[this.#keys.placeOf(key)];
  }

  *keys(): Iterable<string> {
    for (const [place, text] of this.#texts.entries())
      if (text !== undefined) yield this.#keys.names[place] as string;
  }

  set(key: string, text: string): void {
    const place = this.#keys.placeOf(key);
    if (this.#texts[place] !== undefined) {
      this.#texts[place] = text;
      return;
    }
    // A key that was deleted comes last; and one that others have added elsewhere has another place here.
    if (this.#keys.names[this.#texts.length] !== key) {
      if (place !== -1 || this.#keys.names.length > this.#texts.length) this.#separate();
      this.#keys.add(key);
    }
    this.#texts.push(text);
    this.#size++;
  }

  delete(key: string): void {
    const place = this.#keys.placeOf(key);
    if (this.#texts[place] === undefined) return;
    this.#texts[place] = undefined;
    this.#size--;
  }

  copy(): Texts {
    const copy = new Texts(this.#keys, this.#texts.slice(), this.#size);
    if (this.#texts.length > 2 * this.#size + FEW) copy.#separate();
    return copy;
  }

  /** Takes keys of its own, without those that were deleted. */
  #separate(): void {
    this.#keys = new Keys([...this.keys()]);
    this.#texts = this.#texts.filter((text) => text !== undefined);
  }

  /** One JSON object. */
  toText(): string {
    let text = "";
    for (let place = 0; place < this.#texts.length; place++) {
      const each = this.#texts[place];
      if (each !== undefined) text += `${text === "" ? "{" : ","}${this.#keys.startAt(place)}${each}`;
    }
    return text === "" ? "{}" : `${text}}`;
  }

  /**
   * At least the bytes of {@link toText}, in UTF-8 as well as in a statement of SQL: next to nothing to find
   * out. A character of a key is at most seven, one of a text three.
   */
  get mostBytes(): number {
    let bytes = 2;
    for (let place = 0; place < this.#texts.length; place++) {
      const text = this.#texts[place];
      if (text !== undefined) bytes += mostEntryBytes(this.#keys.names[place] as string, text);
    }
    return bytes;
  }
}

/** The same of one entry, with the comma before it. */
export function mostEntryBytes(key: string, text: string): number {
  return 7 * key.length + 3 * text.length + 6;
}
