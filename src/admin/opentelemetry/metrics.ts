/** What an attribute may be. */
export type AttributeValues = Readonly<Record<string, readonly string[]>>;

/** One metric. */
export interface MetricDescription {
  readonly type: "histogram" | "counter" | "gauge" | "updowncounter";
  /** As UCUM has it. */
  readonly unit: string;
  readonly description: string;
  readonly attributes?: AttributeValues;
}

const histogram = (description: string, attributes?: AttributeValues, unit = "s"): MetricDescription => ({
  type: "histogram",
  unit,
  description,
  ...(attributes && { attributes }),
});

const OUTCOME = "token_session.outcome";
const KIND = "token_session.kind";
const REASON = "token_session.reason";
const STATE = "token_session.state";

const STATEMENTS = ["load", "verify", "insert", "write", "touch", "delete", "adopt", "list", "count"];

/** All metrics, by name. docs/monitoring.md has the same; a test holds the two equal. */
export const METRICS = {
  "token_session.open.duration": histogram("Looking for the session of a token, or of a recovered socket", {
    [KIND]: ["token", "recovery", "verification"],
    [OUTCOME]: ["opened", "malformed", "unknown", "retired", "expired", "failed"],
  }),
  "token_session.mint.duration": histogram("Creating a session", {
    [OUTCOME]: ["minted", "taken", "failed"],
  }),
  "token_session.rotation.duration": histogram("login, logout and regenerate, with the wait for the client", {
    [KIND]: ["login", "logout", "regenerate"],
    [OUTCOME]: ["done", "not-confirmed", "failed"],
  }),
  "token_session.write.duration": histogram("Writing changes of a session", {
    [OUTCOME]: ["applied", "conflict", "ended", "failed", "uncertain"],
  }),
  "token_session.statement.duration": histogram("A statement, or a call of another store", {
    [KIND]: STATEMENTS,
    [OUTCOME]: ["answered", "refused", "not-applied", "unknown"],
  }),
  "token_session.statement.width": histogram(
    "Entries that a statement carries",
    { [KIND]: STATEMENTS },
    "{entry}",
  ),
  "token_session.queue.wait.duration": histogram(
    "How long the first entry of a statement had waited when it began",
    { [KIND]: STATEMENTS },
  ),
  "token_session.pool.wait.duration": histogram("Waiting for a connection of the pool", {
    [OUTCOME]: ["lent", "failed", "given-up"],
  }),
  "token_session.prune.step.duration": histogram("A step of pruning"),
  "token_session.prune.rows": {
    type: "counter",
    unit: "{row}",
    description: "Expired rows that this process deleted",
  },
  "token_session.ended": {
    type: "counter",
    unit: "{session}",
    description: "Sessions that were open here, or ended from here, and are over",
    attributes: { [REASON]: ["destroyed", "expired", "revoked"] },
  },
  "token_session.cut": {
    type: "counter",
    unit: "{connection}",
    description: "Connections of clients that the library has closed",
    attributes: { [REASON]: ["detached", "required", "overflow"] },
  },
  "token_session.retry": {
    type: "counter",
    unit: "{retry}",
    description: "Operations sent to the store again",
    attributes: { [KIND]: ["write", "other"] },
  },
  "token_session.announcement": {
    type: "counter",
    unit: "{session}",
    description: "Sessions told of to other servers, or by them",
    attributes: { [OUTCOME]: ["sent", "failed", "heard", "late"] },
  },
  "token_session.outage": {
    type: "counter",
    unit: "{outage}",
    description: "Times that the store went down: the event storeDown",
  },
  "token_session.status": {
    type: "gauge",
    unit: "1",
    description: "1 for the status that sessions.health() has, 0 for the others",
    attributes: { [STATE]: ["up", "degraded", "down"] },
  },
  "token_session.adapter.up": {
    type: "gauge",
    unit: "1",
    description: "0 while announcements to other servers fail; absent without a cluster adapter",
  },
  "token_session.store.latency": {
    type: "gauge",
    unit: "s",
    description: "How long reads take, weighted to the last ones",
  },
  "token_session.queue.length": {
    type: "updowncounter",
    unit: "{entry}",
    description: "Entries that wait for the store",
  },
  "token_session.queue.age": {
    type: "gauge",
    unit: "s",
    description: "How long the first of them has waited",
  },
  "token_session.lanes": {
    type: "updowncounter",
    unit: "{lane}",
    description: "Statements that may be under way at once",
    attributes: { [STATE]: ["used", "idle"] },
  },
  "token_session.live_sessions": {
    type: "updowncounter",
    unit: "{session}",
    description: "Sessions that this process has open",
  },
  "token_session.attached_sockets": {
    type: "updowncounter",
    unit: "{socket}",
    description: "Connected sockets of the namespaces that sessions are attached to",
  },
  "token_session.held_events": {
    type: "updowncounter",
    unit: "{event}",
    description: "Events of clients that wait for their session",
  },
} as const satisfies Record<string, MetricDescription>;

export type MetricName = keyof typeof METRICS;

/**
 * Upper bounds of histograms: a statement on the same machine takes a millisecond, a client may take ten
 * seconds.
 */
export const BOUNDARIES: Readonly<Record<string, number[]>> = {
  s: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25],
  "{entry}": [1, 2, 4, 8, 16, 32, 64, 128, 256],
};
