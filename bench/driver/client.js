// @ts-check
import { io } from "socket.io-client";

/** @typedef {import("../sessions.js").Holder} Holder */

/**
 * One client. It knows what the answers have to be; after one that is wrong everything it is asked for fails.
 */
export class Client {
  /** Where it sets its values. */
  key = "last";
  /** @type {string | undefined} the value of its last set that was acknowledged */
  last;
  /** @type {Promise<void>} */
  connected;
  /** Its session, when it presents its token in the handshake. @type {Promise<void>} */
  session = Promise.resolve();

  #token;
  #socket;
  /** @type {Set<(error: Error) => void>} */
  #pending = new Set();
  /** @type {Error | undefined} */
  #failed;
  /** @type {(() => void) | undefined} */
  #onToken;

  /**
   * @param {number} port
   * @param {Holder} holder
   * @param {{ handshake?: boolean }} [options]
   */
  constructor(port, { token, cookie }, { handshake = false } = {}) {
    this.#token = token;
    const socket = io(`http://127.0.0.1:${port}`, {
      forceNew: true,
      transports: ["websocket"],
      reconnection: false,
      ...(cookie !== undefined && { extraHeaders: { cookie } }),
      ...(handshake && { auth: { token, confirm: true } }),
    });
    this.#socket = socket;
    this.connected = this.#until((done) => socket.once("connect", done));
    if (handshake) this.session = this.#until((done) => (this.#onToken = done));
    // Which of the two is waited for is not known here.
    for (const promise of [this.connected, this.session]) promise.catch(() => {});
    socket.on("gotToken", (message) => this.#gotToken(message));
    socket.on("connect_error", (error) => this.#fail(`could not connect: ${error.message}`));
    socket.on("disconnect", (why) => this.#fail(`was disconnected: ${why}`));
  }

  resume() {
    return this.#until((done) => {
      this.#onToken = done;
      this.#socket.emit("getToken", { token: this.#token });
    });
  }

  /** @param {string} value */
  set(value) {
    return this.#until((done) => {
      this.#socket.emit("set", { key: this.key, value }, (/** @type {{ ok?: boolean }} */ reply) => {
        if (reply.ok !== true) return this.#fail("got another answer to a set than that it was done");
        this.last = value;
        done();
      });
    });
  }

  /** A client that has set nothing has nothing to compare. */
  async checkLast() {
    if (this.last === undefined) return;
    await this.#until((done) => {
      this.#socket.emit("get", this.key, (/** @type {unknown} */ value) => {
        if (value === this.last) done();
        else this.#fail(`set ${this.last}, and then got ${value}`);
      });
    });
  }

  close() {
    this.#socket.off("disconnect").close();
  }

  /** @param {import("../../dist/index.js").GotToken} message */
  #gotToken({ token, errors, created }) {
    const done = this.#onToken;
    this.#onToken = undefined;
    if (token === this.#token && errors === "" && created !== true && done) done();
    else if (token === this.#token && !done) this.#fail("got an answer too many");
    else this.#fail(`did not get its own session (errors: ${JSON.stringify(errors)}, created: ${created})`);
  }

  /**
   * @param {(done: () => void) => void} begin
   * @returns {Promise<void>}
   */
  #until(begin) {
    return new Promise((resolve, reject) => {
      if (this.#failed) return reject(this.#failed);
      this.#pending.add(reject);
      begin(() => {
        this.#pending.delete(reject);
        resolve();
      });
    });
  }

  /** @param {string} how */
  #fail(how) {
    this.#failed ??= new Error(`A client ${how}.`);
    for (const reject of this.#pending) reject(this.#failed);
    this.#pending.clear();
  }
}

/**
 * Does something for each member of a list, for so many at a time.
 * @template T
 * @param {readonly T[]} list
 * @param {number} concurrent
 * @param {(member: T) => Promise<void>} run
 */
export async function dial(list, concurrent, run) {
  let next = 0;
  const lane = async () => {
    while (next < list.length) {
      const member = list[next];
      next += 1;
      if (member !== undefined) await run(member);
    }
  };
  await Promise.all(Array.from({ length: concurrent }, lane));
}
