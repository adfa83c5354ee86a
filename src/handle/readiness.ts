import type { SessionError } from "../errors.js";

/** Whether a socket gets a session, for those who wait for it. */
export class Readiness {
  readonly promise: Promise<void>;
  resolve = () => {};
  reject = (_error: SessionError) => {};

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever awaits it sees the rejection; if nobody does, it is no unhandled one.
    this.promise.catch(() => {});
  }
}
