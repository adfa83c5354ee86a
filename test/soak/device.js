// @ts-check
// A client with one token and two sockets on different nodes: logs in and out, connects anew, requests by
// HTTP, ends its session.
import { probe, replace, rotate } from "./device-tokens.js";
import { Ledger } from "./ledger.js";
import { chance } from "./random.js";
import { withToken } from "./requests.js";
import { Tab } from "./tab.js";
import { pause } from "./world.js";

/** @typedef {import("./world.js").World} World */
/** @typedef {import("./tab.js").Answer} Answer */

const TABS = 2;
const ACTIONS = /** @type {const} */ ([
  ...["reconnect", "reconnect", "look", "look", "updateByHttp", "updateByHttp"],
  ...["login", "login", "regenerate", "logout", "probe", "probe", "replace"],
]);

export class Device {
  name;
  /** @type {Tab[]} */
  workers = [];
  ledger;
  storage = memory();
  /** Rises when a new token is asked for, and when that is over. */
  rotation = 0;
  #world;
  #busy = 0;
  alone = false;
  /** Nobody asked for the end of its session. */
  #lost = false;
  /** Tokens that newer ones have replaced for sure. @type {string[]} */
  retired = [];

  /** @param {string} name @param {World} world */
  constructor(name, world) {
    this.name = name;
    this.#world = world;
    this.ledger = new Ledger(name, world.findings);
  }

  get token() {
    return this.storage.getItem("token") ?? "";
  }

  /** For whoever does something that a logout must not meet. */
  enter() {
    if (this.alone) return false;
    this.#busy++;
    return true;
  }

  leave() {
    this.#busy--;
  }

  /** @param {string} id */
  started(id) {
    const { ledger } = this;
    if (ledger.id === "") ledger.id = id;
    else if (id !== ledger.id) this.ended(`got another session, ${id}`);
  }

  /** @param {string} how */
  ended(how) {
    if (this.ledger.phase !== "live") return;
    this.ledger.phase = "ending";
    this.#lost = true;
    this.#world.findings.add("loggedOut", `${this.name} ${this.ledger.id}: ${how}`);
  }

  async live() {
    const world = this.#world;
    await this.begin();
    while (!world.over) {
      await pause(chance.between(1000, 4000));
      if (this.#lost) await this.begin();
      const action = chance.pick(ACTIONS);
      const isOfTokens = ["login", "regenerate", "logout", "probe", "replace"].includes(action);
      if (world.over || (isOfTokens && world.keepsTokens)) continue;
      if (isOfTokens) world.rotating++;
      try {
        await this.#act(action);
      } finally {
        if (isOfTokens) world.rotating--;
      }
    }
  }

  /** @param {(typeof ACTIONS)[number]} action */
  #act(action) {
    if (action === "reconnect") return this.#reconnect();
    if (action === "look") return this.verify();
    if (action === "updateByHttp") return this.#updateByHttp();
    if (action === "probe") return probe(this, this.#world);
    if (action === "replace") return replace(this, this.#world);
    return rotate(this, this.#world, action);
  }

  /** A new session, with nothing of the one before. */
  async begin() {
    for (const tab of this.workers) tab.close();
    this.#lost = false;
    this.retired = [];
    this.storage = memory();
    this.ledger = new Ledger(this.name, this.#world.findings);
    for (let index = 0; index < TABS && !this.#world.over && !this.#lost; index++) {
      const tab = this.#open(index);
      // The second one presents the token of the first.
      while (tab.session.state !== "open" && !this.#world.over && !this.#lost) await pause(50);
    }
  }

  /** @param {number} index @returns {Tab} */
  #open(index) {
    const others = this.#world.nodes.filter((node) => node.url !== this.workers[1 - index]?.url);
    const up = others.filter((node) => node.isUp);
    const tab = new Tab(this.#world, this, index, chance.pick(up.length > 0 ? up : others).url);
    tab.workedAt = this.workers[index]?.workedAt ?? 0;
    this.workers[index] = tab;
    tab.work();
    return tab;
  }

  /** As an app that is started again: with the stored token, anywhere. */
  async #reconnect() {
    const index = chance.pick([0, 1]);
    this.workers[index]?.close();
    await pause(chance.between(0, 500));
    this.#open(index);
  }

  /** Asks by HTTP who it is and what is there: such an answer is never old. */
  async verify() {
    const { ledger, token, rotation } = this;
    const before = ledger.snapshot();
    const node = this.#world.anyNode();
    const wasLagging = this.#world.lagging;
    const { status, content } = await withToken(`${node.url}/me`, token);
    this.#world.count(content.code);
    // Meanwhile its token may have become another, by a login whose end was not heard of.
    if (
      !before ||
      !ledger.id ||
      ledger.phase !== "live" ||
      token !== this.token ||
      rotation !== this.rotation
    )
      return;
    if (status === 401) return this.ended(`401 from ${node.name} (${content.code})`);
    if (status !== 200 || wasLagging || this.#world.lagging) return;
    if (content["id"] !== ledger.id) return this.ended(`HTTP found ${content["id"]}`);
    ledger.check(before, content["values"], `HTTP of ${node.name}`);
    if (ledger.epoch === before.epoch) this.checkUser(content["userId"], `HTTP of ${node.name}`);
  }

  /** @param {string} userId @param {string} seen */
  checkUser(userId, seen) {
    const { users, clearing } = this.ledger;
    if (!clearing && !users.has(userId))
      this.ended(`logged in as "${userId}" by ${seen}, not as "${[...users]}"`);
  }

  async #updateByHttp() {
    if (!this.enter()) return;
    const { ledger, token } = this;
    const mark = ledger.begin("updates");
    const { status, content } = await withToken(`${this.#world.anyNode().url}/update/${mark}`, token, "POST");
    this.leave();
    ledger.end(mark, content.code);
    this.#world.count(content.code);
    if (status === 401 && token === this.token) this.ended(`401 to a change (${content.code})`);
  }

  /** Waits until nothing of it is on its way, and lets nothing begin until `alone` is taken back. */
  async getAlone() {
    this.alone = true;
    while (this.#busy > 0) await pause(20);
  }

  /**
   * By whichever socket can. @param {string} event @param {string} [argument] @returns {Promise<Answer |
   * undefined>}
   */
  async ask(event, argument = "") {
    return chance.pick(this.workers.filter((tab) => tab.isOpen).concat(this.workers)).ask(event, argument);
  }

  close() {
    for (const tab of this.workers) tab.close();
  }
}

function memory() {
  /** @type {Map<string, string>} */
  const values = new Map();
  return {
    getItem: (/** @type {string} */ key) => values.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void values.set(key, value),
    removeItem: (/** @type {string} */ key) => void values.delete(key),
  };
}
