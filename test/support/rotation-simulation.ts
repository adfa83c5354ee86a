import { setImmediate as turn } from "node:timers/promises";
import { expect } from "@jest/globals";
import { pause } from "../../src/base/clock.js";
import { SessionError } from "../../src/errors.js";
import { type Bearer, rotate } from "../../src/handle/rotation.js";
import { toSettings } from "../../src/options.js";
import { Events } from "../../src/registry/events.js";
import { SessionRegistry } from "../../src/registry/registry.js";
import type { Session } from "../../src/session/session.js";
import type { Values } from "../../src/session/values.js";
import type { Identity } from "../../src/store.js";
import { MemoryStore } from "../../src/stores/memory.js";
import { Credential } from "../../src/token/credential.js";
import { ReplacedTokens } from "../../src/token/replaced-tokens.js";
import { type PresentedToken, parseToken } from "../../src/token/token.js";
import { HandClock } from "./clock.js";

// Many devices whose connections lose messages: the server's part is the real code, a device is its storage
// and two tabs, connected to the same node or to two, which do not hear of what the other has written.

const ROTATIONS = 20;
/** At the same time. */
const TOGETHER = 100;
/** A client has ten seconds to confirm; after four, another one that waits overtakes it. */
const LONGEST_STALL_MS = 9_900;
/** Whatever becomes of it, a rotation takes no longer. */
const BOUND_MS = 25_000;

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
  readonly clock: HandClock;
  /** How much of what is sent is lost. */
  readonly lossRate: number;
  /**
   * How often a connection stands still for seconds; what is sent to it and what it sends arrives afterwards,
   * in order.
   */
  readonly stallRate: number;
  readonly late: ReplacedTokens;
  readonly counts: Record<string, number>;
}

/** What the tabs of a device share. */
interface Storage {
  token: string;
}

/**
 * A tab by the client script's rule: it stores a new token only over the one that it presented, and confirms
 * what it stored.
 */
class Tab implements Bearer {
  credential: Credential;
  readonly canConfirm = true;
  readonly isGone = false;
  session: Session | undefined;
  readonly #world: World;
  readonly registry: SessionRegistry;
  readonly #storage: Storage;
  #held = "";
  /** What was begun on one connection does not arrive on the next. */
  #connection = 0;
  #stalledUntilMs = 0;
  /** What has been sent to it arrives in order. */
  #arriving = Promise.resolve();

  constructor(world: World, registry: SessionRegistry, storage: Storage) {
    this.#world = world;
    this.registry = registry;
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
    this.#connection++;
    this.#stalledUntilMs = 0;
    this.#arriving = Promise.resolve();
    if (!this.session) return;
    this.session.watchers.delete(this);
    this.registry.release(this.session);
    this.session = undefined;
  }

  /** It is in no room. */
  onLoginEnd(): void {}

  /** Its client confirms, so that nothing is replaced in one step. */
  expectReplacement(): void {}

  /** The same connection: an answer to `tokenChanged`. */
  async presentAgain(): Promise<boolean> {
    await this.#arrives();
    if (!this.session) return false;
    const session = await this.#open((presented) => this.credential.acceptPresented(presented.secretHash));
    if (!session) return false;
    this.registry.release(session);
    this.#count("presented again");
    return true;
  }

  async offer({ text }: PresentedToken): Promise<boolean> {
    const { chance, lossRate, stallRate, clock } = this.#world;
    if (chance() < stallRate) this.#stalledUntilMs = clock.now() + chance() * LONGEST_STALL_MS;
    const connection = this.#connection;
    await this.#arrives();
    if (connection !== this.#connection) return false;
    if (chance() < lossRate) return this.#lost("reply lost");
    if (this.#storage.token !== this.#held) {
      // Another tab's: presented in turn.
      if (stallRate > 0) await this.presentAgain();
      return this.#lost("not stored");
    }
    this.#storage.token = text;
    this.#held = text;
    await this.#underway();
    return chance() < lossRate ? this.#lost("confirmation lost") : true;
  }

  onEnd(): void {
    this.#count("logged out");
  }

  onTokenChange(identity: Identity): void {
    if (!this.credential.follow(identity)) this.disconnect();
  }

  /**
   * Presents what is stored, and once more where another tab has stored a newer one meanwhile: then, as
   * `socket.io/opening.ts` does, no alarm is raised for the old one, which was on its way when it was
   * replaced.
   */
  async #open(present: (presented: PresentedToken) => void): Promise<Session | undefined> {
    let isAskedAgain: boolean;
    do {
      const presented = this.#present();
      present(presented);
      const opened = await this.registry.openQuietly(presented);
      if (opened.found === "session") return opened.session;
      isAskedAgain =
        opened.found === "nothing" &&
        opened.isRetired === true &&
        this.#world.late.isInGrace(presented.secretHash);
      if (!isAskedAgain) this.registry.emitRefused(opened, presented.sessionId);
      // Asked for its token each second, where time goes on.
      isAskedAgain &&= this.#world.stallRate > 0;
      if (isAskedAgain) await pause(this.#world.clock, 1_000);
    } while (isAskedAgain || this.#storage.token !== this.#held);
    this.#count("logged out");
    return undefined;
  }

  #present(): PresentedToken {
    this.#held = this.#storage.token;
    const token = parseToken(this.#held);
    if (!token) throw new Error("a device holds what is no token");
    return token;
  }

  /**
   * With the connection as often as without it: then the next rotation finds a `nextHash` that nobody has
   * confirmed.
   */
  #lost(what: string): false {
    this.#count(what);
    if (this.#world.chance() < 0.5) this.disconnect();
    return false;
  }

  #count(what: string): void {
    this.#world.counts[what] = (this.#world.counts[what] ?? 0) + 1;
  }

  #arrives(): Promise<void> {
    this.#arriving = this.#arriving.then(() => this.#underway());
    return this.#arriving;
  }

  /** A message takes its time, so that rotations cross. */
  async #underway(): Promise<void> {
    const stallMs = this.#stalledUntilMs - this.#world.clock.now();
    if (stallMs > 0) await pause(this.#world.clock, stallMs);
    for (let turns = Math.floor(this.#world.chance() * 6); turns > 0; turns--) await undefined;
  }
}

function startNodes(clock: HandClock, counts: Record<string, number>) {
  const settings = toSettings({ store: () => store, clock, logger: false });
  const store = new MemoryStore(settings, clock);
  const node = () => {
    const events = new Events(settings.log);
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
    const both = world.chance() < (world.stallRate > 0 ? 0.5 : 0.1);
    const chosen = both ? tabs : [tabs[world.chance() < 0.5 ? 0 : 1] as Tab];
    const done: string[] = [];
    await Promise.all(
      chosen.map(async (tab, at) => {
        if (!tab.session) await tab.connect();
        const { session } = tab;
        if (!session) return;
        const userId = `${round}.${at}`;
        const beganAtMs = world.clock.now();
        const change = (values: Values) => {
          values.identity = { ...values.identity, userId };
        };
        const outcome = await rotate(session, tab, tab.registry, { change, isLogin: true }).then(
          () => "done",
          (error: unknown) => (error instanceof SessionError ? error.code : String(error)),
        );
        if (outcome === "done") done.push(userId);
        world.counts[outcome] = (world.counts[outcome] ?? 0) + 1;
        if (world.clock.now() - beganAtMs > BOUND_MS) world.counts["late"] = (world.counts["late"] ?? 0) + 1;
      }),
    );
    // Rejected is undone: the row names whom the last accepted login named, or whom it named before.
    const userId = await userIdInRow();
    const isAsTold = done.length > 0 ? done.includes(userId) : userId === before;
    before = userId;
    if (!isAsTold) world.counts["untrue"] = (world.counts["untrue"] ?? 0) + 1;
  }
  if (world.stallRate > 0) {
    // What is still on its way arrives; then the device comes back, to the node that knows what was
    // overtaken.
    await pause(world.clock, LONGEST_STALL_MS);
    for (const tab of tabs) await tab.connect();
  }
  for (const tab of tabs) tab.disconnect();
  return storage.token;
}

/** Lets time go on, slowly for what is under way, until `work` is done. */
async function withTime<Result>(clock: HandClock, work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    for (let turns = 0; turns < 10; turns++) await turn();
    clock.advance(200);
  }
  return done;
}

/**
 * So many devices live where `lossRate` of the messages is lost. Expects that nobody is logged out, no alarm
 * is raised, and enough went wrong and well for that to say something.
 */
export async function simulateRotations({
  devices,
  lossRate,
  stallRate = 0,
  seed,
}: Record<"devices" | "lossRate" | "seed", number> & { stallRate?: number }) {
  const counts: Record<string, number> = {};
  const clock = new HandClock();
  const late = new ReplacedTokens(clock);
  const world: World = { chance: chances(seed), clock, lossRate, stallRate, late, counts };
  const { store, node } = startNodes(clock, counts);
  const nodes = [node(), node()] as const;
  const restarted = node();
  for (let at = 0; at < devices; at += TOGETHER) {
    // What one node has overtaken, another one does not know of.
    const isApart = (n: number) => stallRate === 0 && n % 2 === 1;
    const lives = Promise.all(
      Array.from({ length: TOGETHER }, (_, n) =>
        live(world, isApart(n) ? nodes : [nodes[0], nodes[0]], store),
      ),
    );
    const tokens = await (stallRate > 0 ? withTime(clock, lives) : lives);
    for (const token of tokens) {
      const opened = await restarted.open(parseToken(token) as PresentedToken);
      counts[`at last: ${opened.found}`] = (counts[`at last: ${opened.found}`] ?? 0) + 1;
    }
  }
  // Events are told in a turn of their own.
  await turn();
  const { "logged out": loggedOut = 0, untrue = 0, retired = 0, unknown = 0, late: tooLate = 0 } = counts;
  expect({ loggedOut, untrue, retired, unknown, tooLate }).toEqual({
    loggedOut: 0,
    untrue: 0,
    retired: 0,
    unknown: 0,
    tooLate: 0,
  });
  expect(counts["at last: session"]).toBe(devices);
  const rotations = devices * ROTATIONS;
  if (stallRate > 0) expect(counts["SESSION_NOT_CONFIRMED"]).toBeGreaterThan(rotations * stallRate * 0.1);
  if (lossRate > 0) {
    expect(counts["reply lost"]).toBeGreaterThan((rotations * lossRate) / 2);
    expect(counts["confirmation lost"]).toBeGreaterThan((rotations * lossRate) / 4);
    expect(counts["presented again"]).toBeGreaterThan((rotations * lossRate) / 10);
  }
  expect(counts["done"]).toBeGreaterThan((rotations * (1 - lossRate) ** 2) / 2);
}
