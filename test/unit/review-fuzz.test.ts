import { expect, test } from "@jest/globals";
import { MemoryStore } from "../../src/stores/memory.js";
import { StoreFault } from "../../src/store.js";
import { registryOf, tokenSession } from "../../src/token-session.js";

let seed = 1;
const rnd = () => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed / 2147483648; };
class Odd extends MemoryStore {
  busy = new Map<string, number>();
  overlaps = 0;
  faults = 0.25;
  async during<T>(ids: readonly string[], run: () => Promise<T>): Promise<T> {
    for (const id of new Set(ids)) { const n = (this.busy.get(id) ?? 0) + 1; this.busy.set(id, n); if (n > 1) this.overlaps++; }
    try {
      const turns = Math.floor(rnd() * 3);
      for (let n = 0; n < turns; n++) await new Promise((r) => setImmediate(r));
      const x = rnd();
      if (x < this.faults / 3) throw new StoreFault("not-applied", "odd", { mayBeOneEntry: rnd() < 0.5 });
      const result = await run();
      if (x > 1 - this.faults / 3) throw new StoreFault("unknown", "odd");
      return result;
    } finally { for (const id of new Set(ids)) this.busy.set(id, this.busy.get(id)! - 1); }
  }
  override load(ids: readonly string[]) { return this.during(ids, () => super.load(ids)); }
  override write(a: any): Promise<any> { return this.during(a.map((x: any) => x.sessionId), async () => {
    const all = await super.write(a);
    if (a.length > 1) return all.every(Boolean) ? all : all.map(() => undefined);
    return rnd() < 0.1 && !all[0] ? [undefined] : all; }); }
  override delete(ids: readonly string[]) { return this.during(ids, () => super.delete(ids)); }
}
test("fuzz", async () => {
  for (let round = 0; round < 25; round++) {
    let store!: Odd;
    const make = () => tokenSession({ store: (s) => (store ??= new Odd(s)), logger: false, storeTimeout: 60, revalidate: 1000 } as never);
    const nodes = [make(), make()];
    const minted = await registryOf(nodes[0]!)!.mint(null);
    const id = minted.session.id;
    let sum = 0;
    const handles = [(await nodes[0]!.find(id))!, (await nodes[1]!.find(id))!, (await nodes[0]!.find(id))!];
    let inListener = 0;
    nodes[0]!.on("sessionChange", () => { if (inListener < 20) { inListener++; void all.push(inc(handles[0]!)); } });
    const all: Promise<unknown>[] = [];
    const inc = (h: any) => { sum++; return h.update((d: any) => { d.n = (d.n ?? 0) + 1; }); };
    for (let n = 0; n < 120; n++) {
      const h = handles[Math.floor(rnd() * 3)]! as any;
      const x = rnd();
      if (x < 0.5) all.push(inc(h));
      else if (x < 0.6) all.push(h.set(`k${n}`, n));
      else if (x < 0.7) all.push(h.reload());
      else if (x < 0.75) await Promise.race([all.at(-1), new Promise((r) => setImmediate(r))]);
      else if (x < 0.8) all.push(h.update((d: any) => { if ((d.n ?? 0) % 3 === 0) throw new Error("no"); d.z = 1; }).catch(() => {}));
      else if (x < 0.9) await new Promise((r) => setImmediate(r));
      else await all.at(-1);
    }
    for (let n = 0; n < all.length; n++) await all[n];
    store.faults = 0;
    const [row] = await store.load([id]);
    expect(JSON.parse(row!.data!).n).toBe(sum);
    for (const h of handles) { await h.reload(); expect(h.get("n" as never)).toBe(sum); }
    await h_close(nodes);
    expect([...registryOf(nodes[1]!)!.live()].length).toBe(0);
  }
  async function h_close(nodes: any[]) { for (const n of nodes) await n.close(); }
}, 100_000);
