import type { Log } from "../../base/log.js";
import { SessionError } from "../../errors.js";
import { numberAndCode } from "./faults.js";
import type { LentConnection } from "./lent-connection.js";
import type { ClusterFacts, ServerFacts } from "./server-facts.js";

type Asked = Pick<LentConnection, "ask">;

/**
 * Bit of `wsrep_sync_wait`: a read waits until what other nodes have committed before it has come through.
 */
const READ = 1;
/**
 * In a group with one primary its reads are in time, but for those of a new one that has not come through the
 * old one's writes yet.
 */
const ON_ONE_PRIMARY = ["BEFORE_ON_PRIMARY_FAILOVER", "BEFORE", "AFTER", "BEFORE_AND_AFTER"];
/** In one with several a read waits for what came before it, or a write until all have it. */
const ON_SEVERAL_PRIMARIES = ["BEFORE", "AFTER", "BEFORE_AND_AFTER"];
/**
 * Answers that say: this account, or this server, does not let it be set. Anything else is a fault of the
 * connection.
 */
const NOT_SETTABLE = new Set([1064, 1142, 1193, 1227, 1231, 1238]);

/**
 * Sees to it that what is read by this connection is not older than what was committed before: on Galera and
 * its kin, and in Group Replication, it may be, by default. What is set is set for this connection alone.
 * `undefined` for a server that is in no cluster. Errors: `SESSION_CONNECTION_INVALID`, with the line that
 * mends it.
 */
export async function readInTime(
  connection: Asked,
  engine: ServerFacts["engine"],
): Promise<ClusterFacts | undefined> {
  const shown = engine === "mysql" ? await shownVariables(connection) : undefined;
  const galera = shown ?? (await variables(connection, GALERA));
  if (galera && isOn(galera["wsrep_on"])) {
    const value = Number(galera["wsrep_sync_wait"]);
    return see(connection, {
      cluster: "Galera",
      name: "wsrep_sync_wait",
      literal: String(value | READ),
      isSet: (value & READ) !== 0,
      isEnough: `(@@wsrep_sync_wait & ${READ}) <> 0`,
    });
  }
  const group = shown ?? (engine === "mysql" ? await variables(connection, GROUP) : undefined);
  if (group?.["group_replication_group_name"]) {
    const name = "group_replication_consistency";
    const value = String(group[name]).toUpperCase();
    const enough = isOn(group["group_replication_single_primary_mode"])
      ? ON_ONE_PRIMARY
      : ON_SEVERAL_PRIMARIES;
    const isSet = enough.includes(value);
    return see(connection, {
      cluster: "Group Replication",
      name,
      literal: `'${isSet ? value : enough[0]}'`,
      isSet,
      isEnough: `@@${name} in (${enough.map((each) => `'${each}'`).join(", ")})`,
    });
  }
  return undefined;
}

const UNKNOWN_VARIABLE = 1193;
const GALERA = ["wsrep_on", "wsrep_sync_wait"];
const GROUP = [
  "group_replication_group_name",
  "group_replication_consistency",
  "group_replication_single_primary_mode",
];

/**
 * Those that there are; most MySQL servers know none, and would answer {@link variables} with an error.
 * `undefined` where the list was cut short by `sql_select_limit`.
 */
async function shownVariables(connection: Asked): Promise<Record<string, unknown> | undefined> {
  const names = [...GALERA, ...GROUP, "version"].map((name) => `'${name}'`).join(", ");
  const { rows } = await connection.ask<{ Variable_name: string; Value: unknown }>(
    `show session variables where variable_name in (${names})`,
    [],
  );
  const shown = Object.fromEntries(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
  return "version" in shown ? shown : undefined;
}

/** `undefined` where the server does not know them. */
async function variables(
  connection: Asked,
  names: readonly string[],
): Promise<Record<string, unknown> | undefined> {
  const columns = names.map((name) => `@@${name} as ${name}`).join(", ");
  try {
    const { rows } = await connection.ask<Record<string, unknown>>(`select ${columns} limit 1`, []);
    return rows[0];
  } catch (error) {
    if (numberAndCode(error).errno === UNKNOWN_VARIABLE) return undefined;
    throw error;
  }
}

function isOn(value: unknown): boolean {
  return /^(on|1)$/i.test(String(value));
}

async function see(
  connection: Asked,
  {
    cluster,
    name,
    literal,
    isSet,
    isEnough,
  }: Pick<ClusterFacts, "cluster" | "isEnough"> & { name: string; literal: string; isSet: boolean },
): Promise<ClusterFacts> {
  const setting = `${name} = ${literal}`;
  if (isSet) return { cluster, setting, isOurs: false, isEnough };
  try {
    await connection.ask(`set session ${setting}`, []);
  } catch (error) {
    const { errno } = numberAndCode(error);
    if (errno === undefined || !NOT_SETTABLE.has(errno)) throw error;
    const detail = `reads on this ${cluster} node may be late, and this account may not change that: SET GLOBAL ${setting}`;
    throw new SessionError("SESSION_CONNECTION_INVALID", detail, { cause: error });
  }
  return { cluster, setting, isOurs: true, isEnough };
}

/** Says what there is that sessions depend on; to an operator only where the server is part of a cluster. */
export function sayFound(log: Log, { engine, cluster }: Pick<ServerFacts, "engine" | "cluster">): void {
  if (!cluster) return log.debug({ engine }, "the database says of itself that it is in no cluster");
  const { setting, isOurs } = cluster;
  log.info(
    { engine, cluster: cluster.cluster, setting },
    `the database is a node of a cluster; its reads come in time by ${setting}${isOurs ? ", which each connection is set to" : ""}`,
  );
}
