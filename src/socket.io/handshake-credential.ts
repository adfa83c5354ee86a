import type { Socket } from "socket.io";
import type { Clock } from "../base/clock.js";
import { Outages } from "../base/outages.js";
import { withTimeLimit } from "../base/time-limit.js";
import { SessionError, toSessionError } from "../errors.js";
import type { Settings } from "../options.js";

/** It could not be found out which credential a handshake has; logged already. */
export class CredentialUnavailable extends Error {}

/**
 * Asks the application for the credential in a handshake, by its option `identify`; logs failures of that
 * apart from those of the store.
 */
export class HandshakeCredential {
  readonly #identify: NonNullable<Settings["identify"]>;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #outages: Outages;

  constructor(identify: NonNullable<Settings["identify"]>, settings: Settings) {
    this.#identify = identify;
    this.#clock = settings.clock;
    this.#timeoutMs = settings.storeTimeout * 1000;
    this.#outages = new Outages(settings, {
      failing: "sockets cannot be identified",
      recovered: "sockets can be identified again",
    });
  }

  /**
   * The credential in this handshake. Rejects with {@link CredentialUnavailable} where that cannot be found
   * out, or takes too long.
   */
  async find(handshake: Socket["handshake"]): Promise<unknown> {
    const limit = { clock: this.#clock, limitMs: this.#timeoutMs, whenLate };
    try {
      const found = await withTimeLimit(limit, () => this.#identify(handshake));
      this.#outages.reportRecovery();
      return found;
    } catch (error) {
      this.#outages.report(toSessionError(error, "SESSION_IDENTIFY_FAILED"));
      throw new CredentialUnavailable();
    }
  }
}

function whenLate(): never {
  throw new SessionError("SESSION_IDENTIFY_FAILED", "no answer in time");
}
