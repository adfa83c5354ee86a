/** A set of mostly one, for which a `Set` would take more space than all the rest. */
export class SmallSet<Item> implements Iterable<Item> {
  #items: Item | Set<Item> | undefined;

  get size(): number {
    if (this.#items === undefined) return 0;
    return this.#items instanceof Set ? this.#items.size : 1;
  }

  add(item: Item): void {
    if (this.#items === undefined) this.#items = item;
    else if (this.#items instanceof Set) this.#items.add(item);
    else if (this.#items !== item) this.#items = new Set([this.#items, item]);
  }

  delete(item: Item): void {
    if (this.#items === item) this.#items = undefined;
    else if (this.#items instanceof Set) this.#items.delete(item);
  }

  /** Those there are now, whoever comes or goes meanwhile. */
  [Symbol.iterator](): Iterator<Item> {
    if (this.#items === undefined) return [][Symbol.iterator]();
    return (this.#items instanceof Set ? [...this.#items] : [this.#items])[Symbol.iterator]();
  }
}
