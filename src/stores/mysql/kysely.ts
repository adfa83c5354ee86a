import { CompiledQuery, type DatabaseConnection, type QueryExecutor } from "kysely";
import type { Answer, ConnectionSource, LentConnection } from "./lent-connection.js";
import { USUAL_CONNECTIONS } from "./pool.js";

/**
 * Connections of a Kysely instance. Kysely shows neither who has had a connection nor the server's status
 * flags, so each may have been used by somebody else, and is asked about before each statement.
 */
export function kyselySource(executor: QueryExecutor): ConnectionSource {
  const known = new WeakMap<DatabaseConnection, KyselyConnection>();
  return {
    reconnects: true,
    connections: USUAL_CONNECTIONS,
    mayQueue: Infinity,
    database: undefined,
    request(done) {
      executor
        .provideConnection(
          (connection) =>
            new Promise<void>((resolve) => {
              let lent = known.get(connection);
              const isNew = lent === undefined;
              if (!lent) {
                lent = new KyselyConnection(connection);
                known.set(connection, lent);
              }
              // Made for us, or by the application, long ago.
              lent.begin(isNew ? undefined : false, resolve);
              done(undefined, lent);
            }),
        )
        .catch((error: unknown) => done(error, undefined));
      return undefined;
    },
  };
}

class KyselyConnection implements LentConnection {
  readonly showsFlags = false;
  readonly isShared = false;
  readonly #connection: DatabaseConnection;
  #giveBack: () => void = () => {};
  isNew: boolean | undefined = undefined;
  uses = 0;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  get key(): object {
    return this;
  }

  begin(isNew: boolean | undefined, giveBack: () => void): void {
    this.isNew = isNew;
    this.uses++;
    this.#giveBack = giveBack;
  }

  async ask<Row>(sql: string, parameters: readonly unknown[]): Promise<Answer<Row>> {
    const { rows, numAffectedRows, insertId } = await this.#connection.executeQuery<Row>(
      CompiledQuery.raw(sql, parameters as unknown[]) as CompiledQuery<Row>,
    );
    return { rows, affected: Number(numAffectedRows ?? 0), insertId: Number(insertId ?? 0) };
  }

  release(): void {
    this.#giveBack();
  }

  /** It cannot be closed from here, so the server is told to. */
  drop(): void {
    void this.#kill();
  }

  async #kill(): Promise<void> {
    const gone = () => {};
    await this.ask("kill connection_id()", []).catch(gone);
    // The driver notices that it has been closed while this fails, and does not lend it again.
    await this.ask("do 0", []).catch(gone);
    this.#giveBack();
  }

  /** Stays with the driver until it answers. */
  abandon(): void {}
}
