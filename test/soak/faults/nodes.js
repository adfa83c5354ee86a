// @ts-check
// The Socket.IO processes themselves. The first one is left alone: its memory is watched.

/** @typedef {import("./fault.js").Fault} Fault */

/** @param {string} name @param {"kill" | "stop"} how @returns {Fault} */
const ending = (name, how) => ({
  name,
  group: "nodes",
  seconds: [1, 4],
  async begin(world, random) {
    const node = random.pick(world.nodes.slice(1));
    await node[how]();
    return () => node.start();
  },
});

/** @type {readonly Fault[]} */
export const nodeFaults = [ending("nodeKilled", "kill"), ending("nodeReplaced", "stop")];
