import { describe, expect, test } from "@jest/globals";
import { ERRORS } from "../../../src/stores/mysql/errors-by-number.js";
import { endsConnection, toFault } from "../../../src/stores/mysql/faults.js";

/** An error as mysql2 makes it: with the statement, and values, in it. */
function mysqlError(errno: number | undefined, code?: string, sqlState = "HY000") {
  const message = "Data too long: 'secret'";
  return Object.assign(new Error(message), {
    ...(errno && { errno, sqlState }),
    code,
    sql: "update … 'secret'",
  });
}

describe("the classes of faults", () => {
  test.each([...ERRORS])("%i is as the table says", (errno, { kind, drop, one }) => {
    const fault = toFault(mysqlError(errno, "ER_X"), "sent");
    expect(fault.kind).toBe(kind);
    expect(fault.mayBeOneEntry).toBe(one);
    expect(endsConnection(mysqlError(errno, "ER_X"))).toBe(drop);
    // Before anything was sent nothing can have been applied.
    expect(toFault(mysqlError(errno, "ER_X"), "connecting").kind).toBe(
      kind === "unknown" ? "not-applied" : kind,
    );
  });

  test("nothing of unknown effect is called anything else", () => {
    // Each of these was seen to come of a statement that had been applied, or may.
    const unclear = [1053, 1105, 1158, 1159, 1160, 1161, 1180, 1927, 2006, 2013, 3032, 3100, 9001];
    expect(unclear.filter((errno) => ERRORS.get(errno)?.kind !== "unknown")).toEqual([]);
  });

  test.each([
    [4999, "HY000", "unknown", true, false],
    [4999, undefined, "unknown", true, false],
    [4999, "08S01", "unknown", true, false],
    [4999, "42000", "refused", false, false],
    [4999, "28000", "refused", false, false],
    [4999, "22003", "refused", false, true],
    [4999, "23000", "refused", false, true],
  ])("of a number without a class (%i) its SQLSTATE %s tells: %s", (errno, state, kind, drop, one) => {
    const error = { ...mysqlError(errno, "ER_X"), sqlState: state };
    const fault = toFault(error, "sent");
    expect([fault.kind, endsConnection(error), fault.mayBeOneEntry]).toEqual([kind, drop, one]);
  });

  test.each([
    ["PROTOCOL_CONNECTION_LOST", undefined],
    ["ECONNRESET", -104],
    ["EPIPE", -32],
    ["ETIMEDOUT", -110],
    [undefined, undefined],
  ])("a lost connection (%s) is unknown once sent", (code, errno) => {
    expect(toFault(mysqlError(errno, code), "sent").kind).toBe("unknown");
    expect(toFault(mysqlError(errno, code), "connecting").kind).toBe("not-applied");
  });

  test.each([
    [1406, "22001"],
    [1264, "22003"],
    [1366, "HY000"],
    [1142, "42000"],
    [1045, "28000"],
    [1049, "42000"],
    [1146, "42S02"],
    [1062, "23000"],
  ])("%i is refused", (errno, sqlState) => {
    expect(toFault(mysqlError(errno, "ER_X", sqlState), "sent").kind).toBe("refused");
  });

  test("a closed pool is refused at once", () => {
    expect(toFault(new Error("Pool is closed."), "connecting").kind).toBe("refused");
  });

  test("keep nothing of the database's words", () => {
    const fault = toFault(mysqlError(1406, "ER_DATA_TOO_LONG"), "sent");
    expect(fault.message).toBe("ER_DATA_TOO_LONG");
    expect(JSON.stringify([fault, fault.cause, fault.stack])).not.toContain("secret");
  });
});
