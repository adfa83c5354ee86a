/** How a thief goes on with a token that he has stolen. */
export const MANNERS = [
  /** He presents it in the handshake, says that he confirms, and presents it when he is asked. */
  "obeys",
  /** He says nothing any more, whatever he is asked. */
  "is silent",
  /** He presents it again and again. */
  "nags",
  /** He presents it, then has a session of his own on the same socket, and so on. */
  "switches",
] as const;
export type Manner = (typeof MANNERS)[number];

/** What clients do beside the common, and what the application does for its users unasked. */
export type ClientAct =
  /** Somebody copies the token that a device has stored, and presents it after a while. */
  | { readonly do: "steal"; readonly device: number; readonly manner: Manner; readonly waitMs: number }
  /** The storage of a device throws. */
  | {
      readonly do: "storage fails";
      readonly device: number;
      readonly how: "reading" | "writing" | "both";
      readonly forMs: number;
    }
  /** The system clears it. */
  | { readonly do: "clear storage"; readonly device: number }
  /** A page goes into the back/forward cache, without its connection, and comes back. */
  | { readonly do: "cache"; readonly device: number; readonly tab: number; readonly forMs: number }
  /** The application sends something to a user, from a node. */
  | { readonly do: "send"; readonly node: number }
  /** It ends all sessions of a user. */
  | { readonly do: "revoke"; readonly node: number };
