// @ts-check
import { constants } from "node:os";

/** @typedef {() => void | Promise<void>} Stop */

/** What has to end before this process does; the last started ends first. @type {Stop[]} */
const stops = [];
/** @type {Promise<void> | undefined} */
let ending;

/**
 * Has `stop` run before this process ends by a signal or by `shutdown()`.
 * @param {Stop} stop
 * @returns {() => void} takes it off the list, for what has ended earlier
 */
export function onShutdown(stop) {
  if (stops.length === 0) listen();
  stops.push(stop);
  return () => {
    const at = stops.indexOf(stop);
    if (at >= 0) stops.splice(at, 1);
  };
}

let begun = false;
/** True from the first signal or `shutdown()` on: what ends now, ends because we wanted it. */
export function isShuttingDown() {
  return begun;
}

/** Stops everything, the last started first; one that fails does not keep the others from ending. */
export function shutdown() {
  begun = true;
  ending ??= (async () => {
    for (let stop = stops.pop(); stop; stop = stops.pop()) {
      try {
        await stop();
      } catch (error) {
        console.error(error instanceof Error ? error.message : error);
      }
    }
    ending = undefined;
  })();
  return ending;
}

let listening = false;
function listen() {
  if (listening) return;
  listening = true;
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    let received = 0;
    process.on(signal, () => {
      const code = 128 + constants.signals[signal];
      received += 1;
      // A second Ctrl-C is from somebody who does not want to wait; "exit" handlers still run.
      if (received > 1) process.exit(code);
      shutdown().finally(() => process.exit(code));
    });
  }
  if (process.env["npm_lifecycle_event"]) endWithParent();
}

/** A signal to npm ends npm and its shell, and does not reach us. */
function endWithParent() {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent || begun) return;
    shutdown().finally(() => process.exit(128 + constants.signals.SIGTERM));
  }, 1_000).unref();
}
