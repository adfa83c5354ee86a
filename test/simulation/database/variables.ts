import type { ServerState, Value } from "../sql/values.js";
import type { ConnectionState } from "./connection-state.js";
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
export function stateOf(database: Database, host: Host, connection: ConnectionState): ServerState {
  const own: Record<string, Value> = { ...COMMON, ...OF_ENGINE[database.engine], ...clusterOf(database) };
  const { variables } = connection;
  return {
    time: (variables.get("timestamp") as number | undefined) ?? database.time,
    systemTime: database.time,
    variable(name) {
      if (name === "read_only") return host.isReadOnly ? 1 : 0;
      if (name === "in_transaction") return connection.transaction ? 1 : 0;
      if (name === "role") return null;
      const value = variables.get(name) ?? own[name];
      if (value !== undefined) return value;
      if (name.startsWith("wsrep_") || name.startsWith("group_replication_")) {
        if (database.engine === "mysql") return undefined;
        throw databaseError(1193);
      }
      return undefined;
    },
  };
}

function clusterOf({ cluster }: Database): Record<string, Value> {
  if (!cluster) return {};
  if (cluster.kind === "galera") return { wsrep_on: 1, wsrep_sync_wait: 0 };
  return {
    group_replication_group_name: "e0e2c6f1-0000-4000-8000-000000000001",
    group_replication_single_primary_mode: 0,
    group_replication_consistency: "EVENTUAL",
  };
}

/** Whether a read on this connection waits until the server has what was committed before. */
export function readsInTime({ cluster }: Database, { variables }: ConnectionState): boolean {
  if (!cluster) return true;
  if (cluster.kind === "galera") return (Number(variables.get("wsrep_sync_wait") ?? 0) & 1) !== 0;
  return ["BEFORE", "BEFORE_AND_AFTER"].includes(
    String(variables.get("group_replication_consistency") ?? "EVENTUAL"),
  );
}
