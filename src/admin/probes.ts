import type { IncomingMessage, ServerResponse } from "node:http";
import type { Health } from "./health.js";

/** Answers a request by itself, as a listener of `node:http` or a handler of Express does. */
export type ProbeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** When to ask again: a load balancer does by itself. Seconds. */
const RETRY_AFTER = 5;

/** The process answers, and that is all: it must not be restarted because its database is away. */
export function livenessProbe(): ProbeHandler {
  return (request, response) => send(request, response, 200, { status: "up" });
}

/** Whether requests should be sent here. */
export function readinessProbe(health: () => Health): ProbeHandler {
  return (request, response) => {
    const { status, reasons } = health();
    if (status === "down") response.setHeader("Retry-After", RETRY_AFTER);
    send(request, response, status === "down" ? 503 : 200, { status, reasons });
  };
}

function send({ method }: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  response.statusCode = status;
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Content-Type", "application/json; charset=utf-8");
  response.end(method === "HEAD" ? undefined : JSON.stringify(body));
}
