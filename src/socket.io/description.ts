import type { ClientDescription } from "../wire.js";

const MAX_BYTES = 1024;

/** Takes what a client says of itself if it is what the protocol allows, flat JSON of at most 1 kB; else `null`. */
export function toClientDescription(said: unknown): ClientDescription | null {
  if (typeof said !== "object" || said === null || Array.isArray(said)) return null;
  const flat = Object.values(said).every(
    (value) =>
      value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value),
  );
  if (!flat || Buffer.byteLength(JSON.stringify(said)) > MAX_BYTES) return null;
  return { ...said };
}
