import { afterEach, expect } from "@jest/globals";
import type { SessionRow } from "../../../src/store.js";
import { mintToken } from "../../../src/token/token.js";
import { HandClock } from "../clock.js";
import { type Rig, startRig } from "../servers/rig.js";
import { gotToken, type TestServerOptions } from "../servers/server.js";
import { brittleStore } from "./memory.js";

const OLD = Date.UTC(2020, 0);

/** A token that has no session, and never had one. */
export const unknownToken = () => mintToken(OLD).text;

/**
 * A server whose reads of rows are counted, and those of rows that are not there held. To be used once at the
 * top of a test file.
 */
export class CountedOpens {
  rig!: Rig;
  clock!: HandClock;
  /** Ids that the store was asked for. */
  loads: string[] = [];
  /** What the store waits for before it answers for ids that it does not have. */
  holding: Promise<void> | undefined;
  /** Those that it was asked for meanwhile. */
  held = 0;
  mostHeld = 0;

  constructor() {
    afterEach(() => this.rig.close());
  }

  async start(given: TestServerOptions = {}) {
    this.clock = new HandClock();
    this.loads = [];
    this.holding = undefined;
    this.held = 0;
    this.mostHeld = 0;
    const brittle = brittleStore(this.clock);
    this.rig = await startRig({
      ...given,
      options: { store: brittle.factory, clock: this.clock, prune: false, ...given.options },
    });
    const { store } = brittle;
    const load = store.load.bind(store);
    store.load = async (ids: readonly string[]): Promise<SessionRow[]> => {
      this.loads.push(...ids);
      const rows = await load(ids);
      if (rows.length < ids.length && this.holding) {
        const missing = ids.length - rows.length;
        this.held += missing;
        this.mostHeld = Math.max(this.mostHeld, this.held);
        await this.holding;
        this.held -= missing;
      }
      return rows;
    };
    return { rig: this.rig, store };
  }

  /** The session of somebody who has one is opened, whatever else goes on. */
  async expectOpens(token: string): Promise<void> {
    const client = this.rig.client({ auth: { token } });
    expect(await gotToken(client)).toMatchObject({ token, errors: "", created: false });
    client.disconnect();
  }
}
