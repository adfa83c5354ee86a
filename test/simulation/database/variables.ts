import type { ServerState, Value } from "../sql/values.js";
import type { Database, Host } from "./database.js";
import { databaseError } from "./errors.js";

/** The variables of each server that our statements ask for. */
const COMMON: Readonly<Record<string, Value>> = {
  character_set_client: "utf8mb4",
  character_set_connection: "utf8mb4",
  character_set_results: "utf8mb4",
  sql_mode: "STRICT_TRANS_TABLES",
  autocommit: 1,
  sql_safe_updates: 0,
  max_allowed_packet: 67_108_864,
  binlog_format: "ROW",
  innodb_read_only: 0,
  in_transaction: 0,
  database: "app",
  account: "app@%",
};
const OF_ENGINE = {
  mysql: { version: "8.4.3", transaction_isolation: "REPEATABLE-READ", transaction_read_only: 0 },
  mariadb: { version: "10.11.6-MariaDB", tx_isolation: "REPEATABLE-READ", tx_read_only: 0 },
} as const;

/** What a connection finds on a server. */
export function stateOf(database: Database, host: Host): ServerState {
  const own: Record<string, Value> = { ...COMMON, ...OF_ENGINE[database.engine] };
  return {
    time: database.time,
    variable(name) {
      if (name === "read_only") return host.isReadOnly ? 1 : 0;
      if (name === "role") return null;
      if (name.startsWith("wsrep_") || name.startsWith("group_replication_")) {
        if (database.engine === "mysql") return undefined;
        throw databaseError(1193);
      }
      return own[name];
    },
  };
}
