import { exactTextBytes } from "../../row/entry-bytes.js";
import { StoreFault } from "../../store.js";
import type { ServerFacts } from "./server-facts.js";

/** What a statement has at the most besides the values, for each of its rows. */
export const ROW_BYTES = 2_560;

/**
 * Refuses a statement before it is sent that the server would not take: it would end the connection in place
 * of an answer, and nobody would know that nothing came of it.
 */
export function refuseTooLong(
  entries: readonly { readonly data: string }[],
  { packetBytes }: ServerFacts,
): void {
  let units = 0;
  for (const { data } of entries) units += data.length;
  // A look at the lengths is enough nearly always: a unit takes three bytes at most.
  if (ROW_BYTES * entries.length + 3 * units < packetBytes) return;
  let bytes = 0;
  for (const { data } of entries) bytes += ROW_BYTES + exactTextBytes(data);
  if (bytes < packetBytes) return;
  const reason = `max_allowed_packet is ${packetBytes}, too little for these values`;
  throw new StoreFault("refused", reason, { mayBeOneEntry: true });
}
