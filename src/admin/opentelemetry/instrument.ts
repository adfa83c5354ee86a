/**
 * Metrics of token sessions by OpenTelemetry's API: {@link instrument}. It needs the package
 * `@opentelemetry/api`, which is yours, as is the SDK that does something with what is measured.
 *
 * @module
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type Attributes, type MeterProvider, metrics } from "@opentelemetry/api";
import { channelOf, type FactMessage, type FactName } from "../../facts.js";
import type { StoreDownEvent } from "../../registry/events.js";
import type { Health } from "../health.js";
import { Instruments } from "./instruments.js";

export type { Health } from "../health.js";

/** What {@link instrument} needs of `TokenSessions`. */
export interface InstrumentedSessions {
  /** As `sessions.health()`. */
  health(): Health;
  /** As `sessions.on()`. */
  on(event: "storeDown", listener: (event: StoreDownEvent) => void): unknown;
  /** As `sessions.off()`. */
  off(event: "storeDown", listener: (event: StoreDownEvent) => void): unknown;
}

/** What {@link instrument} takes. */
export interface InstrumentOptions {
  /** Where metrics go. @default the global one of `@opentelemetry/api` */
  meterProvider?: MeterProvider;
  /**
   * Added to everything that is measured; needed where one process has several `tokenSession()`.
   * @default none
   */
  attributes?: Attributes;
}

/**
 * Measures these sessions from now on; docs/monitoring.md lists what. Returns a function that ends it. No
 * user id, session id or token is in any metric. Call it once, and after the SDK has set its meter provider:
 * before that there is none to measure with, and twice counts everything twice.
 *
 * @example
 * import { instrument } from "socket.io-token-session/opentelemetry";
 *
 * const stop = instrument(sessions);
 */
export function instrument(
  sessions: InstrumentedSessions,
  { meterProvider = metrics.getMeterProvider(), attributes = {} }: InstrumentOptions = {},
): () => void {
  const made = new Instruments(meterProvider.getMeter("socket.io-token-session"), attributes);
  const ends = [...measure(sessions, made), countOutages(sessions, made), observeHealth(sessions, made)];
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

const seconds = (ms: number) => ms / 1000;

function measure(sessions: InstrumentedSessions, made: Instruments): (() => void)[] {
  const open = made.histogram("token_session.open.duration");
  const mint = made.histogram("token_session.mint.duration");
  const rotation = made.histogram("token_session.rotation.duration");
  const write = made.histogram("token_session.write.duration");
  const statement = made.histogram("token_session.statement.duration");
  const width = made.histogram("token_session.statement.width");
  const queueWait = made.histogram("token_session.queue.wait.duration");
  const poolWait = made.histogram("token_session.pool.wait.duration");
  const step = made.histogram("token_session.prune.step.duration");
  const rows = made.counter("token_session.prune.rows");
  const ended = made.counter("token_session.ended");
  const cut = made.counter("token_session.cut");
  const retry = made.counter("token_session.retry");
  const announcement = made.counter("token_session.announcement");

  function hear<Name extends FactName>(name: Name, onFact: (fact: FactMessage<Name>) => void): () => void {
    const listener = (message: unknown) => {
      const fact = message as FactMessage<Name>;
      if (fact.sessions === sessions) onFact(fact);
    };
    subscribe(channelOf(name), listener);
    return () => void unsubscribe(channelOf(name), listener);
  }

  return [
    hear("open", ({ kind, outcome, durationMs }) => open(seconds(durationMs), kind, outcome)),
    hear("mint", ({ outcome, durationMs }) => mint(seconds(durationMs), outcome)),
    hear("rotation", ({ kind, outcome, durationMs }) => rotation(seconds(durationMs), kind, outcome)),
    hear("write", ({ outcome, durationMs }) => write(seconds(durationMs), outcome)),
    hear("statement", (fact) => {
      statement(seconds(fact.durationMs), fact.kind, fact.outcome);
      width(fact.width, fact.kind);
      queueWait(seconds(fact.waitedMs), fact.kind);
    }),
    hear("poolWait", ({ outcome, durationMs }) => poolWait(seconds(durationMs), outcome)),
    hear("prune", ({ deleted, durationMs }) => {
      step(seconds(durationMs));
      rows(deleted);
    }),
    hear("end", ({ reason }) => ended(1, reason)),
    hear("cut", ({ reason }) => cut(1, reason)),
    hear("retry", ({ kind }) => retry(1, kind)),
    hear("announcement", ({ outcome, count }) => announcement(count, outcome)),
  ];
}

function countOutages(sessions: InstrumentedSessions, made: Instruments): () => void {
  const outage = made.counter("token_session.outage");
  const listener = () => outage(1);
  sessions.on("storeDown", listener);
  return () => void sessions.off("storeDown", listener);
}

function observeHealth(sessions: InstrumentedSessions, made: Instruments): () => void {
  const names = [
    "token_session.status",
    "token_session.adapter.up",
    "token_session.store.latency",
    "token_session.queue.length",
    "token_session.queue.age",
    "token_session.lanes",
    "token_session.live_sessions",
    "token_session.attached_sockets",
    "token_session.held_events",
  ] as const;
  return made.observe(names, (tell) => {
    const { status, store, adapter, queue, live, sockets } = sessions.health();
    for (const state of ["up", "degraded", "down"])
      tell("token_session.status", state === status ? 1 : 0, state);
    if (adapter !== "none") tell("token_session.adapter.up", adapter === "up" ? 1 : 0);
    if (store.latency !== undefined) tell("token_session.store.latency", store.latency);
    tell("token_session.queue.length", queue.length);
    tell("token_session.queue.age", queue.age);
    tell("token_session.lanes", queue.lanesTaken, "used");
    tell("token_session.lanes", queue.lanes - queue.lanesTaken, "idle");
    tell("token_session.live_sessions", live);
    tell("token_session.attached_sockets", sockets.attached);
    tell("token_session.held_events", sockets.heldEvents);
  });
}
