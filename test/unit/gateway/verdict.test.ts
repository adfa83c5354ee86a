import { describe, expect, test } from "@jest/globals";
import { judge } from "../../../src/gateway/verdict.js";
import { newProcessId, withWriter } from "../../../src/row/writers.js";

const ours = newProcessId();
const none = new Uint8Array();

/** A row whose last writers are these, the newest last. */
function row(...writes: [process: Buffer, revision: number][]) {
  let writers: Uint8Array = none;
  let revision = 0;
  for (const [process, each] of writes) {
    writers = withWriter(writers, process, each);
    revision = each;
  }
  return { writers, revision };
}

function attempt(base: { revision: number; writers: Uint8Array }, revision: number) {
  return {
    sessionId: "id",
    baseRevision: base.revision,
    revision,
    data: "{}",
    writers: withWriter(base.writers, ours, revision),
  };
}

const other = newProcessId();
const others = Array.from({ length: 12 }, () => newProcessId());

describe("judge", () => {
  test("applied: our entry carries the attempt's revision, whatever came later", () => {
    const base = row([other, 1]);
    expect(judge(attempt(base, 2), base, row([other, 1], [ours, 2]), ours)).toBe("applied");
    expect(judge(attempt(base, 2), base, row([other, 1], [ours, 2], [other, 3]), ours)).toBe("applied");
  });

  test("not yet: the base still stands", () => {
    const base = row([other, 1]);
    expect(judge(attempt(base, 2), base, base, ours)).toBe("not-yet");
  });

  test("refused: our entry is older", () => {
    const base = row([ours, 1]);
    expect(judge(attempt(base, 2), base, row([ours, 1], [other, 3]), ours)).toBe("refused");
  });

  test("refused: the base's own entry still stands", () => {
    const base = row(...others.slice(0, 8).map((process, n): [Buffer, number] => [process, n + 1]));
    const later = row(...others.slice(0, 9).map((process, n): [Buffer, number] => [process, n + 1]));
    expect(judge(attempt(base, 99), base, later, ours)).toBe("refused");
  });

  test("refused: nothing was ever pushed out", () => {
    expect(judge(attempt({ revision: 0, writers: none }, 2), { writers: none }, row([other, 3]), ours)).toBe(
      "refused",
    );
  });

  test("uncertain: eight others have written since", () => {
    const base = row([other, 1]);
    const later = row(
      [other, 1],
      ...others.slice(0, 8).map((process, n): [Buffer, number] => [process, n + 2]),
    );
    expect(judge(attempt(base, 99), base, later, ours)).toBe("uncertain");
    // Our entry may have stood there and been pushed out as well: the very same row.
    const applied = row(
      [other, 1],
      [ours, 99],
      ...others.slice(0, 8).map((process, n): [Buffer, number] => [process, n + 2]),
    );
    expect(applied.writers).toEqual(later.writers);
  });

  test("a row edited by hand, with a new revision, is refused", () => {
    const base = row([other, 1]);
    expect(judge(attempt(base, 2), base, { writers: base.writers, revision: 77 }, ours)).toBe("refused");
  });
});
