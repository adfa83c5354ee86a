// Metrics, with the API package alone: without an SDK nothing is measured.
import { metrics } from "@opentelemetry/api";
import { memoryStore, tokenSession } from "socket.io-token-session";
import { instrument } from "socket.io-token-session/opentelemetry";

const sessions = tokenSession({ store: memoryStore() });
const stop: () => void = instrument(sessions);
instrument(sessions, {
  meterProvider: metrics.getMeterProvider(),
  attributes: { "token_session.name": "shop" },
});
stop();
