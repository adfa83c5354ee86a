import { askRaw, type ConnectionSource, type LentConnection, type RawConnection } from "./lent-connection.js";

/**
 * A single connection of the application's. mysql2 queues what a busy connection is asked, so a transaction
 * that the application opens takes our statements in: their answers are not believed then, and they are tried
 * again until it is over. The connection is never ended by us, because it does not come back.
 */
export function singleSource(raw: RawConnection): ConnectionSource {
  // That it was lost: without a listener this would end the process. Each statement from then on says so too,
  // and is logged.
  raw.on?.("error", nothing);
  const lent = new SingleConnection(raw);
  return {
    reconnects: false,
    connections: 1,
    mayQueue: 1,
    database: undefined,
    request(done) {
      // The application uses it all the time.
      lent.uses++;
      done(undefined, lent);
      return false;
    },
  };
}

class SingleConnection implements LentConnection {
  readonly isNew = false;
  readonly showsFlags = true;
  readonly isShared = true;
  readonly #raw: RawConnection;
  uses = 0;

  constructor(raw: RawConnection) {
    this.#raw = raw;
  }

  get key(): object {
    return this;
  }

  ask<Row>(sql: string, parameters: readonly unknown[]) {
    return askRaw<Row>(this.#raw, sql, parameters);
  }

  release(): void {}

  drop(): void {}

  abandon(): void {}
}

function nothing(): void {}
