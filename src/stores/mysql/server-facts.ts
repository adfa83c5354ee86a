/**
 * How a server that is part of a cluster keeps this connection from reading what has been overwritten; see
 * `readInTime`.
 */
export interface ClusterFacts {
  readonly cluster: "Galera" | "Group Replication";
  /** The setting of this connection, by which its reads come in time. */
  readonly setting: string;
  /** Whether it was set by us, for this connection alone. */
  readonly isOurs: boolean;
  /** SQL that is true as long as it is enough. */
  readonly isEnough: string;
}

/** What statements have to know of a server. */
export interface ServerFacts {
  /** The two spell a table of given values differently. */
  readonly engine: "mariadb" | "mysql";
  /** Replicas run the statements again, so one whose effect depends on what is locked must not be used. */
  readonly logsStatements: boolean;
  /** The longest statement that it takes, in bytes: `max_allowed_packet` of the connection. */
  readonly packetBytes: number;
  /** The condition of every SELECT that makes it fail where its answer could not be believed. */
  readonly guard: string;
  /** Where the server is part of a cluster: what keeps reads from being late. */
  readonly cluster: ClusterFacts | undefined;
}
