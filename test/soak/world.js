// @ts-check
// What clients, faults and checks share.
import { chance } from "./random.js";

/** @typedef {import("./findings.js").Findings} Findings */
/** @typedef {import("./ledger.js").Ledger} Ledger */
/** @typedef {import("./node.js").Node} Node */
/** @typedef {import("./servers.js").Servers} Servers */
/**
 * Somebody who has to be at work again after a fault. @typedef {{ name: string, workedAt: number }} Worker
 */
/**
 * @typedef {object} Client
 * @property {Ledger} ledger
 * @property {Worker[]} workers
 * @property {() => Promise<void>} live
 * @property {() => Promise<void>} verify
 * @property {(how: string) => void} ended its session is over, and nobody asked for that
 * @property {(userId: string, seen: string) => void} checkUser
 * @property {() => void} close
 */
/** A session that is over. @typedef {{ id: string, token: string }} Ended */

/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class World {
  servers;
  nodes;
  findings;
  /** @type {Client[]} */
  clients = [];
  /** @type {Ended[]} */
  ended = [];
  /** No client begins anything more. */
  over = false;
  /**
   * Reads may be old: what a process has never known it cannot recognise, so nobody gets a new token or ends
   * a session.
   */
  keepsTokens = false;
  lagging = false;
  /** Answers by code since the last look. @type {Map<string, number>} */
  answers = new Map();
  /** Rotations, ends, and first saves of cookie sessions on their way. */
  rotating = 0;

  /** @param {Servers} servers @param {Node[]} nodes @param {Findings} findings */
  constructor(servers, nodes, findings) {
    this.servers = servers;
    this.nodes = nodes;
    this.findings = findings;
  }

  /** Somewhere to connect to. */
  anyNode() {
    const up = this.nodes.filter((node) => node.isUp);
    return chance.pick(up.length > 0 ? up : this.nodes);
  }

  /** @param {string} code */
  count(code) {
    if (code === "SESSION_STORE_FAILED") this.findings.add("failed", "an answer");
    this.answers.set(code, (this.answers.get(code) ?? 0) + 1);
  }

  /**
   * Waits until everybody has succeeded with something begun since; who has not by then is named. @param
   * {number} since @param {number} withinMs
   */
  async atWork(since, withinMs) {
    const until = since + withinMs;
    for (;;) {
      const workers = this.clients.flatMap((client) => client.workers);
      const missing = workers.filter(({ workedAt }) => workedAt < since).map(({ name }) => name);
      const now = performance.now();
      if (missing.length === 0) return { seconds: (now - since) / 1000, missing };
      if (now > until || this.over) return { seconds: Infinity, missing };
      await pause(100);
    }
  }
}
