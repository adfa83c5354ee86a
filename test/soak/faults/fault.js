// @ts-check
import { pause } from "../world.js";

/** @typedef {import("../world.js").World} World */
/** @typedef {import("../random.js").Random} Random */
/** @typedef {import("../../../scripts/servers/database-server.js").Engine} Engine */
/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} group two of one group do not go together
 * @property {Engine} [engine] the only one that has it
 * @property {readonly [number, number]} seconds how long it lasts, from and to
 * @property {(world: World, random: Random) => Promise<void | (() => unknown)>} begin gives what ends it
 */

/** Does something again and again until it is stopped. @param {number} everyMs @param {() => unknown} run */
export function repeatedly(everyMs, run) {
  let stopped = false;
  const done = (async () => {
    while (!stopped) {
      await Promise.resolve(run()).catch(() => {});
      await pause(everyMs);
    }
  })();
  return async () => {
    stopped = true;
    await done;
  };
}

/** On every node that is up. @param {World} world @param {string} command @param {unknown[]} args */
export function everywhere(world, command, ...args) {
  return Promise.all(world.nodes.filter((node) => node.isUp).map((node) => node.call(command, ...args)));
}

/** Ids of some sessions that are in use. @param {World} world @param {Random} random @param {number} count */
export function someIds(world, random, count) {
  const ids = world.clients.map(({ ledger }) => ledger.id).filter(Boolean);
  return random.shuffled(ids).slice(0, count);
}
