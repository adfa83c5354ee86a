import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { SessionError } from "../errors.js";
import { type Connection, type OpenLimits, OpenSlots } from "../registry/open-slots.js";

/**
 * With HTTP/1 whoever waits for answers has one request at a time on a connection; only one that sends ahead
 * has more.
 */
const HTTP_1_LIMITS: OpenLimits = { atOnce: 8, waiting: 1_000 };
/**
 * With HTTP/2 a proxy may send everybody's requests on one: as many streams as RFC 9113 (section 5.1.2) has a
 * server allow at least.
 */
const HTTP_2_LIMITS: OpenLimits = { atOnce: 100, waiting: 1_000 };

/**
 * Opens a session for a request when its connection has a slot for it. Errors: `SESSION_QUEUE_FULL`; those of
 * `open`.
 */
export async function withOpenSlot<Opened>(
  request: IncomingMessage,
  open: () => Promise<Opened>,
): Promise<Opened> {
  const connection = connectionOf(request);
  // A request that was not read from a connection, as in tests of an application, has none.
  if (!connection) return open();
  const opens = OpenSlots.of(connection, request.httpVersionMajor === 1 ? HTTP_1_LIMITS : HTTP_2_LIMITS);
  if (!opens.tryAcquire() && !(await opens.acquire(request)))
    throw new SessionError("SESSION_QUEUE_FULL", "too many requests of a connection wait for their sessions");
  try {
    return await open();
  } finally {
    opens.release();
  }
}

/** With HTTP/2 each request has a `socket` of its own, which stands for its stream. */
function connectionOf(request: IncomingMessage & Partial<Pick<Http2ServerRequest, "stream">>): Connection {
  return request.stream?.session ?? request.socket;
}
