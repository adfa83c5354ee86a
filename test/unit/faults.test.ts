import { describe, expect, test } from "@jest/globals";
import { NOT_APPLIED, toFault, UNKNOWN } from "../../src/stores/mysql/faults.js";

/** An error as mysql2 makes it: with the statement, and values, in it. */
function mysqlError(errno: number | undefined, code?: string, message = "Data too long: 'secret'") {
  return Object.assign(new Error(message), { ...(errno && { errno }), code, sql: "update … 'secret'" });
}

describe("the classes of faults", () => {
  test("are closed", () => {
    expect([...NOT_APPLIED.keys()].sort()).toEqual([
      1040, 1203, 1205, 1213, 1226, 1290, 1317, 1836, 1969, 3024,
    ]);
    expect([...UNKNOWN.keys()].sort()).toEqual([1053, 1180, 1927]);
  });

  test.each([...NOT_APPLIED.keys()])("%i is surely not applied", (errno) => {
    expect(toFault(mysqlError(errno, "ER_X"), "sent").kind).toBe("not-applied");
  });

  test.each([...UNKNOWN.keys()])("%i is unknown once sent, and not applied before", (errno) => {
    expect(toFault(mysqlError(errno, "ER_X"), "sent").kind).toBe("unknown");
    expect(toFault(mysqlError(errno, "ER_X"), "connecting").kind).toBe("not-applied");
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

  test.each([[1406], [1264], [1366], [1142], [1045], [1049], [1146], [1062]])("%i is refused", (errno) => {
    expect(toFault(mysqlError(errno, "ER_X"), "sent").kind).toBe("refused");
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
