import { expect } from "@jest/globals";
import { Credential } from "../../src/credential.js";
import { SessionError } from "../../src/errors.js";
import { Events } from "../../src/events.js";
import { LateTokens } from "../../src/late-tokens.js";
import { toSettings } from "../../src/options.js";
import { type Bearer, rotate } from "../../src/rotation.js";
import type { Session } from "../../src/session.js";
import { SessionRegistry } from "../../src/sessions.js";
import type { Identity } from "../../src/store.js";
import { MemoryStore } from "../../src/stores/memory.js";
import { type PresentedToken, parseToken } from "../../src/token.js";
import { HandClock } from "./clock.js";

// Many devices whose connections lose messages: the server's part is the real code, a device is its storage and two tabs,
// connected to the same node or to two, which do not hear of what the other has written.

const ROTATIONS = 20;
/** At the same time. */
const TOGETHER = 100;

/** Numbers between 0 and 1, the same in each run (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface World {
  readonly chance: () => number;
  /** How much of what is sent is lost. */
  readonly lossRate: number;
  readonly late: LateTokens;
  readonly counts: Record<string, number>;
}

/** What the tabs of a device share. */
interface Storage {
  token: string;
}

/** A tab by the client script's rule: it stores a new token only over the one that it presented, and confirms what it stored. */
class Tab implements Bearer {
  credential: Credential;
  readonly confirms = true;
  readonly gone = false;
  session: Session | undefined;
  readonly #world: World;
  readonly #registry: SessionRegistry;
  readonly #storage: Storage;
  #held = "";

  constructor(world: World, registry: SessionRegistry, storage: Storage) {
    this.#world = world;
    this.#registry = registry;
    this.#storage = storage;
    this.credential = new Credential(this.#present().secretHash);
  }

  /** A new connection. */
  async connect(): Promise<void> {
    this.disconnect();
    const session = await this.#open((presented) => {
      this.credential = new Credential(presented.secretHash);
    });
    if (!session) return;
    this.session = session;
    session.watchers.add(this);
  }

  disconnect(): void {
    if (!this.session) return;
    this.session.watchers.delete(this);
    this.#registry.release(this.session);
    this.session = undefined;
  }

  /** The same connection: an answer to `tokenChanged`. */
  /** Its client confirms, so that nothing is replaced in one step. */
  replacing(): void {}

  async presentAgain(): Promise<boolean> {
    await this.#underway();
    const session = await this.#open((presented) => this.credential.expect(presented.secretHash));
    if (!session) return false;
    this.#registry.release(session);
    this.#count("presented again");
    return true;
  }

  async offer({ text }: PresentedToken): Promise<boolean> {
    const { chance, lossRate } = this.#world;
    await this.#underway();
    if (chance() < lossRate) return this.#lost("reply lost");
    if (this.#storage.token !== this.#held) return this.#lost("not stored");
    this.#storage.token = text;
    this.#held = text;
    await this.#underway();
    return chance() < lossRate ? this.#lost("confirmation lost") : true;
  }

  ended(): void {
    this.#count("logged out");
  }

  tokenChanged(identity: Identity): void {
    if (!this.credential.follow(identity)) this.disconnect();
  }

  /**
   * Presents what is stored, and once more where another tab has stored a newer one meanwhile: then, as `socket.io/opening.ts` does, no alarm is
   * raised for the old one, which was on its way when it was replaced.
   */
  async #open(present: (presented: PresentedToken) => void): Promise<Session | undefined> {
    do {
      const presented = this.#present();
      present(presented);
      const opened = await this.#registry.openQuietly(presented);
      if (opened.found === "session") return opened.session;
      const isAskedAgain =
        opened.found === "nothing" && opened.isRetired && this.#world.late.isLate(presented.secretHash);
      if (!isAskedAgain) this.#registry.tellRefused(opened, presented.sessionId);
    } while (this.#storage.token !== this.#held);
    this.#count("logged out");
    return undefined;
  }

  #present(): PresentedToken {
    this.#held = this.#storage.token;
    const token = parseToken(this.#held);
    if (!token) throw new Error("a device holds what is no token");
    return token;
  }

  /** With the connection as often as without it: then the next rotation finds a `nextHash` that nobody has confirmed. */
  #lost(what: string): false {
    this.#count(what);
    if (this.#world.chance() < 0.5) this.disconnect();
    return false;
  }

  #count(what: string): void {
    this.#world.counts[what] = (this.#world.counts[what] ?? 0) + 1;
  }

  /** A message takes its time, so that rotations cross. */
  async #underway(): Promise<void> {
    for (let turns = Math.floor(this.#world.chance() * 6); turns > 0; turns--) await undefined;
  }
}

function startNodes(counts: Record<string, number>) {
  const clock = new HandClock();
  const settings = toSettings({ store: () => store, clock, logger: false });
  const store = new MemoryStore(settings, clock);
  const node = () => {
    const events = new Events();
    events.subscribe("on", "sessionInvalid", ({ reason }: { reason: string }) => {
      counts[reason] = (counts[reason] ?? 0) + 1;
    });
    return new SessionRegistry(settings, store, events);
  };
  return { store, node };
}

/** One device through all its rotations; both tabs want one at once in a tenth of them. */
async function live(world: World, nodes: readonly SessionRegistry[], store: MemoryStore): Promise<string> {
  const [home] = nodes as [SessionRegistry];
  const { session, token } = await home.mint(null);
  const storage: Storage = { token: token.text };
  const tabs = nodes.map((node) => new Tab(world, node, storage));
  for (const tab of tabs) await tab.connect();
  home.release(session);
  const userIdInRow = async () => (await store.load([token.sessionId]))[0]?.userId ?? "";

  let before = "";
  for (let round = 0; round < ROTATIONS; round++) {
    const both = world.chance() < 0.1;
    const chosen = both ? tabs : [tabs[world.chance() < 0.5 ? 0 : 1] as Tab];
    const done: string[] = [];
    await Promise.all(
      chosen.map(async (tab, at) => {
        if (!tab.session) await tab.connect();
        const { session } = tab;
        if (!session) return;
        const userId = `${round}.${at}`;
        const outcome = await rotate(session, tab, (values) => {
          values.identity = { ...values.identity, userId };
        }).then(
          () => "done",
          (error: unknown) => (error instanceof SessionError ? error.code : String(error)),
        );
        if (outcome === "done") done.push(userId);
        world.counts[outcome] = (world.counts[outcome] ?? 0) + 1;
      }),
    );
    // Rejected is undone: the row names whom the last accepted login named, or whom it named before.
    const userId = await userIdInRow();
    const isAsTold = done.length > 0 ? done.includes(userId) : userId === before;
    before = userId;
    if (!isAsTold) world.counts["untrue"] = (world.counts["untrue"] ?? 0) + 1;
  }
  for (const tab of tabs) tab.disconnect();
  return storage.token;
}

/**
 * So many devices live where `lossRate` of the messages is lost. Expects that nobody is logged out, no alarm is raised, and enough went wrong and
 * well for that to say something.
 */
export async function simulateRotations({
  devices,
  lossRate,
  seed,
}: Record<"devices" | "lossRate" | "seed", number>) {
  const counts: Record<string, number> = {};
  const late = new LateTokens(new HandClock());
  const world: World = { chance: chances(seed), lossRate, late, counts };
  const { store, node } = startNodes(counts);
  const nodes = [node(), node()] as const;
  const restarted = node();
  for (let at = 0; at < devices; at += TOGETHER) {
    const tokens = await Promise.all(
      Array.from({ length: TOGETHER }, (_, n) => live(world, n % 2 ? nodes : [nodes[0], nodes[0]], store)),
    );
    for (const token of tokens) {
      const opened = await restarted.open(parseToken(token) as PresentedToken);
      counts[`at last: ${opened.found}`] = (counts[`at last: ${opened.found}`] ?? 0) + 1;
    }
  }
  // Events are told in a turn of their own.
  await new Promise((resolve) => setImmediate(resolve));
  const { "logged out": loggedOut = 0, untrue = 0, retired = 0, unknown = 0 } = counts;
  expect({ loggedOut, untrue, retired, unknown }).toEqual({
    loggedOut: 0,
    untrue: 0,
    retired: 0,
    unknown: 0,
  });
  expect(counts["at last: session"]).toBe(devices);
  const rotations = devices * ROTATIONS;
  expect(counts["reply lost"]).toBeGreaterThan((rotations * lossRate) / 2);
  expect(counts["confirmation lost"]).toBeGreaterThan((rotations * lossRate) / 4);
  expect(counts["presented again"]).toBeGreaterThan((rotations * lossRate) / 10);
  expect(counts["done"]).toBeGreaterThan((rotations * (1 - lossRate) ** 2) / 2);
}
