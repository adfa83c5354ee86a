import fs from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { Adapter } from "socket.io-adapter";
import { promtool } from "../../../scripts/servers/prometheus.js";
import { instrument } from "../../../src/admin/opentelemetry/instrument.js";
import { listen } from "../../support/listen.js";
import { describeWithPrometheus, type RunningPrometheus } from "../../support/prometheus/prometheus.js";
import { type Node, useNodes } from "../../support/servers/nodes.js";
import { ask, gotToken } from "../../support/servers/server.js";

// Metrics on their whole way: the library, OpenTelemetry's SDK, its exporter, a Prometheus that reads it.

const monitoring = path.join(import.meta.dirname, "../../../examples/monitoring");
const alertsFile = path.join(monitoring, "alerts.yml");
const dashboard = JSON.parse(fs.readFileSync(path.join(monitoring, "dashboard.json"), "utf8")) as {
  panels: { title: string; targets: { expr: string }[] }[];
};

/** An adapter that reaches other servers, of which there are none. */
class LonelyAdapter extends Adapter {
  override serverSideEmit(): void {}

  override async serverCount(): Promise<number> {
    return 1;
  }
}

const nodes = useNodes();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Measured extends Node {
  /** Where the metrics are. */
  readonly port: number;
}

async function start(): Promise<Measured> {
  const node = await nodes.node({
    options: { storeTimeout: 1 },
    io: { adapter: LonelyAdapter },
    handlers: (io) =>
      io.on("connection", (socket) => {
        socket.on("set", async (key: string, value: string, done) =>
          done(await socket.session.set(key, value)),
        );
        socket.on("login", (userId: number, done) => socket.session.login(userId).then(done));
        socket.on("destroy", (done) => socket.session.destroy().then(done));
      }),
  });
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const stop = instrument(node.sessions, { meterProvider: provider });
  const http = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  const port = await listen(http);
  closing.push(async () => {
    stop();
    await provider.shutdown();
    http.closeAllConnections();
    http.close();
  });
  return { ...node, port };
}

/** 3 mints, 2 resumes, 1 expired token (whose client gets the third new session), a set, a login. */
async function perform({ client }: Measured): Promise<void> {
  const first = client({ auth: { token: "" } });
  const { token } = await gotToken(first);
  await ask(first, "set", "name", "Ada");
  first.disconnect();
  const again = client({ auth: { token } });
  await gotToken(again);
  const other = client({ auth: { token: "" } });
  const { token: otherToken } = await gotToken(other);
  other.disconnect();
  await gotToken(client({ auth: { token: otherToken } }));
  await nodes.database.rows("update session set expires = unix_timestamp() - 5 where sessionId = ?", [
    otherToken.slice(0, 32),
  ]);
  expect(await gotToken(client({ auth: { token: otherToken } }))).toMatchObject({
    errors: "Session Expired",
  });
  await ask(again, "login", 7);
  await ask(again, "destroy");
}

const counted = (samples: readonly { value: number }[]) => samples.map(({ value }) => value);

await describeWithPrometheus("metrics in Prometheus", (server, startPrometheus) => {
  test("are what has happened, exactly", async () => {
    const measured = await start();
    const prometheus = await startPrometheus(measured.port, []);
    await perform(measured);
    await prometheus.until('token_session_rotation_duration_count{token_session_outcome="done"}', (samples) =>
      samples.some(({ value }) => value === 1),
    );
    const of = async (expression: string) => counted(await prometheus.query(expression));
    const opens = (outcome: string) =>
      of(`sum(token_session_open_duration_count{token_session_outcome="${outcome}"})`);
    await prometheus.until('token_session_ended_total{token_session_reason="destroyed"}', (samples) =>
      samples.some(({ value }) => value === 1),
    );
    expect(await of('token_session_mint_duration_count{token_session_outcome="minted"}')).toEqual([3]);
    expect(await opens("opened")).toEqual([2]);
    expect(await opens("expired")).toEqual([1]);
    expect(await opens("failed")).toEqual([]);
    expect(await of('token_session_write_duration_count{token_session_outcome="applied"}')).toEqual([2]);
    expect(
      await of(
        'token_session_rotation_duration_count{token_session_kind="login",token_session_outcome="done"}',
      ),
    ).toEqual([1]);
    expect(await of('token_session_status{token_session_state="up"}')).toEqual([1]);
    expect(await of('token_session_status{token_session_state="down"}')).toEqual([0]);
    expect(await of("token_session_outage_total")).toEqual([0]);
    expect(await of("token_session_adapter_up")).toEqual([1]);
    expect(await of('sum(token_session_statement_width_sum{token_session_kind="insert"})')).toEqual([3]);
  });

  test("pass promtool's check", async () => {
    const measured = await start();
    await perform(measured);
    const text = await (await fetch(`http://127.0.0.1:${measured.port}/metrics`)).text();
    expect(await promtool(server(), ["check", "metrics"], text)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("the rules for alerts are sound", async () => {
    expect(await promtool(server(), ["check", "rules", alertsFile])).toMatchObject({ code: 0 });
  });

  test("each query of the alerts and of the dashboard is of metrics that are there", async () => {
    const measured = await start();
    const prometheus = await startPrometheus(measured.port, [alertsFile]);
    await perform(measured);
    await measured.sessions.prune();
    await prometheus.until("token_session_prune_step_duration_count", (samples) => samples.length > 0);
    const names = new Set(await prometheus.names());
    const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    const alerts = [...fs.readFileSync(alertsFile, "utf8").matchAll(/expr: (?:>-\n\s+)?(.+)/g)].map(
      ([, expr = ""]) => expr,
    );
    expect(queries.length).toBeGreaterThan(20);
    expect(alerts).toHaveLength((await prometheus.alerts()).size);
    for (const query of [...queries, ...alerts]) {
      const asked = query.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "1m");
      const missing = [...asked.matchAll(/\btoken_session_[a-z_]+/g)]
        .map(([name]) => name)
        .filter((name) => !names.has(name) && !/^token_session_(?:kind|outcome|reason|state)$/.test(name));
      expect({ query, missing }).toEqual({ query, missing: [] });
      await prometheus.query(asked);
    }
  });

  test("an outage raises the alert, once it is told", async () => {
    const measured = await start();
    const { sessions, proxy, client } = measured;
    const prometheus = await startPrometheus(measured.port, [alertsFile]);
    await gotToken(client({ auth: { token: "" } }));
    const isDown = new Promise((resolve) => sessions.once("storeDown", resolve));
    await proxy.down();
    client({ auth: { token: "" } });
    await isDown;
    await prometheus.until(
      'token_session_status{token_session_state="down"} == 1',
      ({ length }) => length === 1,
    );
    expect(await firing(prometheus)).toContain("SessionStoreDown");
    await prometheus.until("token_session_outage_total == 1", ({ length }) => length === 1);
    await proxy.up();
    await prometheus.until(
      'token_session_status{token_session_state="up"} == 1',
      ({ length }) => length === 1,
    );
  });
});

/** The alerts that are not at rest, as soon as there are any. */
async function firing(prometheus: RunningPrometheus): Promise<string[]> {
  for (;;) {
    const alerts = [...(await prometheus.alerts())].filter(([, state]) => state !== "inactive");
    if (alerts.length > 0) return alerts.map(([name]) => name);
  }
}
