// @ts-check
// Starts, tells, kills and restarts one node, always on the same port.
import { fork } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { onShutdown } from "../../scripts/shutdown.js";

const program = fileURLToPath(new URL("./node-program.js", import.meta.url));

/** @typedef {Omit<import("./node-program.js").Settings, "port">} Settings */
/** @typedef {(kind: "crash" | "unhandled", text: string) => void} OnTrouble */

export class Node {
  name;
  port = 0;
  #settings;
  #log;
  #onTrouble;
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #child;
  /** It is down, and shall be. */
  #isDown = true;
  #calls = 0;
  /** @type {Map<number, (message: any) => void>} */
  #waiting = new Map();

  /**
   * @param {string} name @param {Settings} settings @param {string} log a file @param {OnTrouble} onTrouble
   */
  constructor(name, settings, log, onTrouble) {
    this.name = name;
    this.#settings = settings;
    this.#log = log;
    this.#onTrouble = onTrouble;
    onShutdown(() => this.kill());
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get isUp() {
    return !this.#isDown;
  }

  async start() {
    const output = fs.openSync(this.#log, "a");
    const child = fork(program, [], {
      stdio: ["ignore", output, output, "ipc"],
      execArgv: ["--expose-gc"],
      detached: true,
    });
    fs.closeSync(output);
    this.#child = child;
    const listening = new Promise((resolve, reject) => {
      child.on("message", (/** @type {any} */ message) => {
        if (message.event === "listening") resolve(message.port);
        else if (message.event)
          this.#onTrouble("unhandled", `${this.name}: ${message.event}: ${message.text}`);
        else this.#waiting.get(message.call)?.(message);
      });
      child.once("exit", (code, signal) => {
        for (const answer of this.#waiting.values()) answer({ error: "the node has ended" });
        this.#waiting.clear();
        reject(new Error(`${this.name} ended while it started; see ${this.#log}`));
        if (this.#isDown || this.#child !== child) return;
        this.#isDown = true;
        this.#onTrouble("crash", `${this.name} ended by itself (${signal ?? code}); see ${this.#log}`);
        this.start().catch((error) => this.#onTrouble("crash", String(error)));
      });
    });
    child.send({ ...this.#settings, port: this.port });
    this.port = await listening;
    this.#isDown = false;
  }

  /**
   * Has it run a command; `undefined` where it ended meanwhile. @param {string} command @param {unknown[]}
   * args @returns {Promise<any>}
   */
  call(command, ...args) {
    const child = this.#child;
    if (!child?.connected) return Promise.resolve(undefined);
    const call = ++this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(call, ({ result }) => {
        this.#waiting.delete(call);
        resolve(result);
      });
      child.send({ call, command, args });
    });
  }

  /** Ends it as a crash does. */
  async kill() {
    this.#isDown = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Lets it close everything, as a deployment does. */
  async stop() {
    this.#isDown = true;
    await this.call("close");
    await this.kill();
  }
}
