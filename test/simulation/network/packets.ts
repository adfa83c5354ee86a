/** Packets of Engine.IO, as text. */
const TYPES: Readonly<Record<string, string>> = {
  open: "0",
  close: "1",
  ping: "2",
  pong: "3",
  message: "4",
  upgrade: "5",
  noop: "6",
};

export interface Packet {
  readonly type: string;
  readonly data?: unknown;
}

export function toText({ type, data }: Packet): string {
  if (data !== undefined && typeof data !== "string")
    throw new TypeError("the simulated network carries text only");
  return `${TYPES[type]}${data ?? ""}`;
}
