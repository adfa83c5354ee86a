import type { Namespace } from "socket.io";
import type { Outages } from "../outages.js";
import type { SessionRegistry } from "../sessions.js";
import type { AddressLimits } from "./mint-limit.js";

/** What all sockets of one `tokenSession` share. */
export interface AttachmentContext {
  readonly registry: SessionRegistry;
  readonly outages: Outages;
  readonly required: boolean;
  /** Whether what a client sends, and not its being connected, counts as use. */
  readonly touchesOnEvents: boolean;
  readonly addressLimits: AddressLimits;
  /** Called for each namespace that is attached. */
  readonly onAttach: (namespace: Namespace) => void;
}
