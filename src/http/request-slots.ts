import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { SessionError } from "../errors.js";
import { type Connection, ConnectionOpens, type OpenLimits } from "../registry/open-slots.js";

/** With HTTP/1 whoever waits for answers has one request at a time on a connection; only one that sends ahead has more. */
const OF_HTTP_1: OpenLimits = { atOnce: 8, waiting: 1_000 };
/** With HTTP/2 a proxy may send everybody's requests on one: as many streams as RFC 9113 (section 5.1.2) has a server allow at least. */
const OF_HTTP_2: OpenLimits = { atOnce: 100, waiting: 1_000 };

/** Opens a session for a request when it is its turn on its connection. Errors: `SESSION_QUEUE_FULL`; those of `open`. */
export async function inTurn<Opened>(request: IncomingMessage, open: () => Promise<Opened>): Promise<Opened> {
  const connection = connectionOf(request);
  // A request that was not read from a connection, as in tests of an application, has none.
  if (!connection) return open();
  const opens = ConnectionOpens.of(connection, request.httpVersionMajor === 1 ? OF_HTTP_1 : OF_HTTP_2);
  if (!opens.begin() && !(await opens.wait(request)))
    throw new SessionError("SESSION_QUEUE_FULL", "too many requests of a connection wait for their sessions");
  try {
    return await open();
  } finally {
    opens.end();
  }
}

/** With HTTP/2 each request has a `socket` of its own, which stands for its stream. */
function connectionOf(request: IncomingMessage & Partial<Pick<Http2ServerRequest, "stream">>): Connection {
  return request.stream?.session ?? request.socket;
}
