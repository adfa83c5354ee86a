import { expect, test } from "@jest/globals";
import { MAX_WRITERS, newProcessId, newRevision, withWriter } from "../../../src/row/writers.js";

test("withWriter keeps one entry a process, newest first, eight at most", () => {
  const ours = newProcessId();
  const others = Array.from({ length: 12 }, () => newProcessId());
  let writers: Uint8Array = new Uint8Array();
  for (const process of [...others, ...others, ours]) writers = withWriter(writers, process, newRevision());
  expect(writers.byteLength).toBe(16 * MAX_WRITERS);
  expect(Buffer.from(writers).subarray(0, 8)).toEqual(ours);
  const again = withWriter(writers, ours, 5);
  expect(again.subarray(16)).toEqual(Buffer.from(writers).subarray(16));
});
