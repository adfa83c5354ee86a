import type { Namespace, Socket } from "socket.io";
import type { Outages } from "../base/outages.js";
import type { Freshness } from "../registry/freshness.js";
import type { AddressLimits } from "../registry/mint-limit.js";
import type { SessionRegistry } from "../registry/registry.js";
import type { Strangers } from "../registry/strangers.js";
import type { Session } from "../session/session.js";
import type { ReplacedTokens } from "../token/replaced-tokens.js";
import type { Tickets } from "../token/tickets.js";
import type { HandshakeCredential } from "./handshake-credential.js";
import type { SocketCounts } from "./socket-counts.js";

/** What all sockets of one `tokenSession` share. */
export interface AttachmentContext {
  readonly registry: SessionRegistry;
  readonly outages: Outages;
  readonly required: boolean;
  /** Where a credential may be in the handshake besides a token: with the option `identify`. */
  readonly handshakeCredential: HandshakeCredential | undefined;
  readonly replacedTokens: ReplacedTokens;
  readonly strangers: Strangers;
  /** Where there is a `cookieSecret`. */
  readonly tickets: Tickets | undefined;
  /** Whether what a client sends, and not its being connected, counts as use. */
  readonly touchesOnEvents: boolean;
  /** Absent where no event waits for a verification of its session. */
  readonly freshness: Freshness | undefined;
  readonly counts: SocketCounts;
  readonly addressLimits: AddressLimits<Socket>;
  readonly recovery: {
    /** The session of a recovered socket, held for it; `undefined` where it has none any more. */
    take(socketId: string): Session | undefined;
    /** Whether its client wanted another one back, and did not get it. */
    takeRefused(socket: Socket): boolean;
  };
  /** Called for each namespace that is attached. */
  readonly onAttach: (namespace: Namespace) => void;
}
