import { describe, expect, test } from "@jest/globals";
import { FIRST_GROWN, isGrown } from "../../../src/row/revision.js";
import {
  entriesOf,
  latestRevision,
  newProcessId,
  newRevision,
  withWriter,
} from "../../../src/row/writers.js";

const END = 2 ** 53;

describe("revisions", () => {
  test("grow with each write, from whatever row, and stay exact numbers", () => {
    for (let revision = 0, writes = 0; writes < 1000; writes++) {
      const next = newRevision(revision);
      expect(Number.isSafeInteger(next) && next > revision && isGrown(next)).toBe(true);
      revision = next;
    }
    // As version 0.1 gave them.
    for (const random of [1, FIRST_GROWN - 1]) expect(isGrown(newRevision(random))).toBe(true);
  });

  test("made twice on one row differ", () => {
    const made = Array.from({ length: 1000 }, () => newRevision(FIRST_GROWN + 7));
    expect(new Set(made).size).toBe(made.length);
  });

  test("at the end of the range, or beyond it by hand, begin anew: nobody is locked out", () => {
    for (const base of [END - 1, END, 2 ** 60, 2 ** 64]) {
      const next = newRevision(base);
      expect(Number.isSafeInteger(next) && next < FIRST_GROWN).toBe(true);
      expect(isGrown(newRevision(next))).toBe(true);
    }
    // A few million writes before it there is room yet.
    expect(newRevision(END - 2 ** 44)).toBeGreaterThan(END - 2 ** 44);
  });

  test("on top of one of 0.1 are larger than those before it", () => {
    const [ours, of01] = [newProcessId(), newProcessId()];
    const first = newRevision(FIRST_GROWN + 2 ** 40);
    const writers = withWriter(withWriter(new Uint8Array(), ours, first), of01, 12_345);
    const next = newRevision(latestRevision({ revision: 12_345, writers: writers.toString("latin1") }));
    expect(next).toBeGreaterThan(first);
  });

  test("are written so that 0.1 reads them, and those of 0.1 are read", () => {
    const process = newProcessId();
    for (const revision of [0, 1, FIRST_GROWN - 1, FIRST_GROWN, newRevision(), END - 1]) {
      const entry = withWriter(new Uint8Array(), process, revision);
      // 0.1 compares the last eight bytes of its own entry as one number.
      expect(entry.readBigUInt64BE(8)).toBe(BigInt(revision));
      expect(entriesOf(entry)).toEqual([{ process, revision }]);
    }
    const of01 = Buffer.alloc(16);
    process.copy(of01);
    of01.writeUIntBE(2 ** 48 - 5, 10, 6);
    expect(entriesOf(of01)).toEqual([{ process, revision: 2 ** 48 - 5 }]);
  });
});
