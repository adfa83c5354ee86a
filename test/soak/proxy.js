// @ts-check
// The network between the nodes and the database: where new connections go, and what becomes of statements
// and answers.
import { once } from "node:events";
import net from "node:net";
import { chance } from "./random.js";

/**
 * What goes wrong, each with the share of statements that it meets.
 * @typedef {object} Rules
 * @property {number} cutBefore the connection is cut, the statement never arrives
 * @property {number} cutAnswer the statement is run, the connection is cut in place of its answer
 * @property {number} late the connection is cut, and the statement runs up to two seconds later all the same
 * @property {number} delay its answer comes up to `delayMs` late
 * @property {number} delayMs
 */
/** @typedef {{ client: net.Socket, upstream: net.Socket, port: number, hung: boolean }} Link */

/** @returns {Rules} */
const harmless = () => ({ cutBefore: 0, cutAnswer: 0, late: 0, delay: 0, delayMs: 0 });

export class DatabaseProxy {
  /** Where new connections go. */
  target = 0;
  rules = harmless();
  port = 0;
  /** @type {Set<Link>} */
  #links = new Set();
  #server = net.createServer((client) => this.#accept(client));

  /** @param {number} target */
  static async start(target) {
    const proxy = new DatabaseProxy();
    proxy.target = target;
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.port = /** @type {net.AddressInfo} */ (proxy.#server.address()).port;
    return proxy;
  }

  /** Everything gets through again. @param {(keyof Rules)[]} names */
  restore(...names) {
    for (const name of names) this.rules[name] = 0;
  }

  /** Cuts connections, all or those to one server. @param {number} [port] */
  cut(port) {
    for (const link of [...this.#links]) if (port === undefined || link.port === port) this.#end(link);
  }

  /**
   * Connections that are open now carry nothing any more, without a word; later ones work. Gives what cuts
   * them at last.
   */
  hang() {
    const hung = [...this.#links];
    for (const link of hung) link.hung = true;
    return () => {
      for (const link of hung) this.#end(link);
    };
  }

  async close() {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }

  /** @param {net.Socket} client */
  #accept(client) {
    const upstream = net.connect(this.target, "127.0.0.1");
    const link = { client, upstream, port: this.target, hung: false };
    this.#links.add(link);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.#end(link));
      socket.on("close", () => this.#end(link));
    }
    let cutsAnswer = false;
    /** When the answers so far have been passed on: they keep their order. */
    let passedOn = 0;
    client.on("data", (data) => {
      if (link.hung) return;
      const { cutBefore, cutAnswer, late } = this.rules;
      if (chance.next() < cutBefore) return this.#end(link);
      if (chance.next() < late) return this.#runLate(link, data);
      cutsAnswer ||= chance.next() < cutAnswer;
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (link.hung) return;
      if (cutsAnswer) return this.#end(link);
      const { delay, delayMs } = this.rules;
      const now = performance.now();
      const due = Math.max(passedOn, chance.next() < delay ? now + chance.next() * delayMs : 0);
      passedOn = due;
      if (due <= now) client.write(data);
      else setTimeout(() => client.destroyed || client.write(data), due - now);
    });
  }

  /**
   * As a packet that the network has kept: its sender has gone when it arrives. @param {Link} link @param
   * {Buffer} data
   */
  #runLate(link, data) {
    this.#links.delete(link);
    link.client.destroy();
    const { upstream } = link;
    upstream.removeAllListeners("data");
    upstream.on("data", () => upstream.destroy());
    setTimeout(() => upstream.destroyed || upstream.write(data), chance.between(0, 2000));
    setTimeout(() => upstream.destroy(), 6000);
  }

  /** @param {Link} link */
  #end(link) {
    if (!this.#links.delete(link)) return;
    link.client.destroy();
    link.upstream.destroy();
  }
}
