// @ts-check
// A client with a cookie of express-session, whose sessions our table keeps (ConnectStore): saves, reads,
// destroys.
import { Ledger } from "./ledger.js";
import { chance } from "./random.js";
import { request } from "./requests.js";
import { pause } from "./world.js";

/** @typedef {import("./world.js").World} World */

const KEYS = ["a", "b", "c"];

export class Browser {
  name;
  workedAt = 0;
  workers = [this];
  ledger;
  #world;
  #cookie = "";

  /** @param {string} name @param {World} world */
  constructor(name, world) {
    this.name = name;
    this.#world = world;
    this.ledger = new Ledger(name, world.findings);
  }

  async live() {
    const world = this.#world;
    while (!world.over) {
      await pause(chance.between(100, 400));
      const dice = chance.next();
      if (this.ledger.phase !== "live") this.#begin();
      if (!this.ledger.id) await this.#first();
      else if (dice < 0.7) await this.#save();
      else if (dice < 0.95) await this.verify();
      else if (!world.keepsTokens) await this.#destroy();
    }
  }

  /** The id of a cookie does not tell its age: a node that reads late would take it for one that is over. */
  async #first() {
    if (this.#world.keepsTokens) return;
    this.#world.rotating++;
    await this.#save();
    this.#world.rotating--;
  }

  #begin() {
    this.#cookie = "";
    this.ledger = new Ledger(this.name, this.#world.findings);
  }

  /** @param {"GET" | "POST" | "DELETE"} method @param {string} [path] */
  async #request(method, path = "") {
    const node = this.#world.anyNode();
    const init = { method, headers: this.#cookie ? { cookie: this.#cookie } : {} };
    const answer = await request(`${node.url}/cookie${path}`, init);
    this.#world.count(answer.content.code);
    return answer;
  }

  async #save() {
    const began = performance.now();
    const { ledger } = this;
    const key = chance.pick(KEYS);
    const mark = ledger.begin(key);
    const { cookie, content } = await this.#request("POST", `/${key}/${mark}`);
    const { code, id } = content;
    const isOther = ledger.id && id && id !== ledger.id;
    ledger.end(mark, isOther ? "gone" : code);
    if (isOther) return this.ended(`got another session, ${id}`);
    if (code === "") this.workedAt = began;
    // Without the answer to the first one there is no cookie.
    if (!ledger.id && code !== "") return this.#begin();
    ledger.id = id ?? ledger.id;
    if (cookie) this.#cookie = cookie;
  }

  /** What it finds is never old. */
  async verify() {
    const { ledger } = this;
    if (!ledger.id) return;
    const before = ledger.snapshot();
    const wasLagging = this.#world.lagging;
    const { status, content } = await this.#request("GET");
    if (status !== 200 || !before) return;
    if (content["id"] !== ledger.id) return this.ended(`found ${content["id"]}`);
    if (!wasLagging && !this.#world.lagging) ledger.check(before, content["values"], "HTTP with the cookie");
  }

  /** @param {string} how */
  ended(how) {
    this.#world.findings.add("loggedOut", `${this.name} ${this.ledger.id}: ${how}`);
    this.#begin();
  }

  /** Nobody logs in here. @param {string} userId @param {string} seen */
  checkUser(userId, seen) {
    if (userId) this.ended(`logged in as "${userId}" by ${seen}`);
  }

  async #destroy() {
    this.#world.rotating++;
    const { ledger } = this;
    ledger.phase = "ending";
    for (let tries = 0; tries < 20 && !this.#world.over; tries++) {
      const { content } = await this.#request("DELETE");
      if (content.code === "") {
        this.#world.ended.push({ id: ledger.id, token: "" });
        break;
      }
      await pause(200);
    }
    this.#world.rotating--;
  }

  close() {}
}
