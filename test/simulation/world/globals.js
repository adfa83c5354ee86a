// What esbuild puts in place of Node's globals in the programs of simulated processes: `simulated` is what
// the process gives.
/* global simulated */
// @ts-nocheck
const {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  setImmediate,
  clearImmediate,
  performance,
  Date: SimulatedDate,
  crypto,
  fetch,
} = simulated;

export {
  clearImmediate,
  clearInterval,
  clearTimeout,
  crypto,
  fetch,
  performance,
  SimulatedDate as Date,
  setImmediate,
  setInterval,
  setTimeout,
};
