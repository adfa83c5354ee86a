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
} = simulated;

export {
  clearImmediate,
  clearInterval,
  clearTimeout,
  crypto,
  performance,
  SimulatedDate as Date,
  setImmediate,
  setInterval,
  setTimeout,
};
