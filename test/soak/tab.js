// @ts-check
// One socket of a device, with our client, and what it does all the time.
import { io } from "socket.io-client";
import { tokenSession } from "socket.io-token-session/client";
import { chance } from "./random.js";
import { pause } from "./world.js";

/** @typedef {import("./device.js").Device} Device */
/** @typedef {import("./world.js").World} World */
/** @typedef {Record<string, any> & { code: string }} Answer */

const CHANGES = ["update", "update", "update", "put", "put", "handler", "handler", "read", "read", "reload"];
/** Longer than a node takes to give anything up. */
const ANSWER_WITHIN_MS = 60_000;

export class Tab {
  name;
  url;
  /** When it began what it succeeded with last. */
  workedAt = 0;
  device;
  socket;
  session;
  #world;
  #index;
  #closed = false;
  /**
   * What this socket has been told is done, by list, since its token was the last one; its reads must show
   * it. @type {{ rotation: number, epoch: number, marks: [string, string][] }}
   */
  #told = { rotation: -1, epoch: -1, marks: [] };

  /** @param {World} world @param {Device} device @param {number} index @param {string} url */
  constructor(world, device, index, url) {
    this.url = url;
    this.#world = world;
    this.#index = index;
    this.device = device;
    this.name = `${device.name}/${index}`;
    this.socket = io(url, {
      forceNew: true,
      autoConnect: false,
      transports: ["websocket"],
      reconnectionDelay: 100,
      reconnectionDelayMax: 1000,
    });
    const origins = world.nodes.map((node) => node.url);
    this.session = tokenSession(this.socket, {
      storage: device.storage,
      key: "token",
      restart: false,
      origins,
    });
    this.session.on("start", ({ id }) => this.#closed || device.started(id));
    this.session.on("end", ({ reason }) => this.#closed || device.ended(`end "${reason}" on ${this.name}`));
    // What this process or another one knew before is not what it knows after a new look.
    this.socket.on("connect", () => {
      this.#told = { rotation: -1, epoch: -1, marks: [] };
    });
    this.socket.connect();
  }

  get isOpen() {
    return !this.#closed && this.socket.connected && this.session.state === "open";
  }

  /**
   * Sends an event, if it can now; no answer is the code "gone". @param {string} event @param {unknown[]}
   * args @returns {Promise<Answer | undefined>}
   */
  ask(event, ...args) {
    if (!this.isOpen) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const began = performance.now();
      this.socket
        .timeout(ANSWER_WITHIN_MS)
        .emit(event, ...args, (/** @type {unknown} */ error, /** @type {Answer} */ answer) => {
          const { code } = error ? { code: "gone" } : answer;
          this.#world.count(code);
          if (code === "" && event !== "read") this.workedAt = began;
          resolve(error ? { code: "gone" } : answer);
        });
    });
  }

  /** Until it is closed. */
  async work() {
    const { device } = this;
    while (!this.#closed && !this.#world.over) {
      await pause(chance.between(100, 350));
      if (!this.isOpen || !device.enter()) continue;
      try {
        await this.#act(chance.pick(CHANGES));
      } finally {
        device.leave();
      }
    }
  }

  /** @param {string} event */
  async #act(event) {
    if (event === "read") return this.#read();
    if (event === "reload") return void (await this.ask(event, ""));
    const { device } = this;
    const { ledger, rotation } = device;
    const list = event === "update" ? "updates" : event === "handler" ? "handlers" : undefined;
    const where = list ?? `key${this.#index}${chance.pick(["a", "b"])}`;
    const mark = ledger.begin(where);
    const answer = await this.ask(event, mark, where);
    ledger.end(mark, answer?.code ?? "gone");
    if (answer?.code !== "" || !list || device.ledger !== ledger || device.rotation !== rotation) return;
    const { epoch } = ledger;
    if (this.#told.rotation !== rotation || this.#told.epoch !== epoch)
      this.#told = { rotation, epoch, marks: [] };
    this.#told.marks.push([list, mark]);
  }

  async #read() {
    const { device } = this;
    const told = this.#told;
    const marks = [...told.marks];
    const answer = await this.ask("read", "");
    const isSame =
      this.#told === told && device.rotation === told.rotation && device.ledger.epoch === told.epoch;
    if (!isSame || answer?.code !== "" || answer["id"] !== device.ledger.id || device.ledger.phase !== "live")
      return;
    const missing = marks.filter(([list, mark]) => !answer["values"][list]?.includes(mark));
    if (missing.length === 0) return;
    this.#told = { ...told, marks: [] };
    const some = missing.slice(0, 5).join(" ");
    this.#world.findings.add(
      "wentBack",
      `${this.name} ${device.ledger.id}: ${missing.length} of ${marks.length} (${some})`,
    );
  }

  close() {
    this.#closed = true;
    this.socket.disconnect();
  }
}
