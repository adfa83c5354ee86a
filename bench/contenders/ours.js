// @ts-check
// This library, built, as its README says.
import { tokenSession } from "../../dist/index.js";
import { serve } from "./serve.js";

const logger = {
  log(/** @type {string} */ level, /** @type {string} */ text) {
    if (level === "warn" || level === "error") console.error(`ours, ${level}: ${text}`);
  },
};

serve(async ({ io, pool, options }) => {
  const { metered, ...given } = options;
  const sessions = tokenSession({ db: pool, logger, ...given });
  if (metered) await measure(sessions);
  sessions.attach(io);
  io.on("connection", (socket) => {
    socket.on("set", async ({ key, value }, done) => {
      await socket.session.set(key, value);
      done({ ok: true });
    });
    socket.on("get", (key, done) => done(socket.session.get(key)));
  });
  return { close: () => sessions.close(), answers: { prune: () => sessions.prune() } };
});

/**
 * As docs/monitoring.md says. Loaded only where it is wanted: other servers have none of these packages.
 * @param {import("../../dist/index.js").TokenSessions} sessions
 */
async function measure(sessions) {
  const { PrometheusExporter } = await import("@opentelemetry/exporter-prometheus");
  const { MeterProvider } = await import("@opentelemetry/sdk-metrics");
  const { instrument } = await import("../../dist/admin/opentelemetry/instrument.js");
  const readers = [new PrometheusExporter({ preventServerStart: true })];
  instrument(sessions, { meterProvider: new MeterProvider({ readers }) });
}
