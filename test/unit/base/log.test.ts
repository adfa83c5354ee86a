import { describe, expect, test } from "@jest/globals";
import { toLog } from "../../../src/base/log.js";

describe("toLog", () => {
  test("takes the old package's { log(level, text) }", () => {
    const said: string[][] = [];
    const log = toLog({ log: (level, text) => void said.push([level, text]) });
    log.error({ code: "SESSION_ENDED", sessionId: "0af" }, "it is over");
    log.debug({}, "nothing more");
    expect(said).toEqual([
      ["error", "it is over code=SESSION_ENDED sessionId=0af"],
      ["debug", "nothing more"],
    ]);
  });

  test("calls a pino-like logger as its own methods", () => {
    class Own {
      said: unknown[] = [];
      error(fields: object, text: string) {
        this.said.push(["error", fields, text]);
      }
      warn = this.error;
      info = this.error;
      debug = this.error;
    }
    const logger = new Own();
    toLog(logger).error({ code: "X" }, "text");
    expect(logger.said).toEqual([["error", { code: "X" }, "text"]]);
  });

  test("a logger that throws breaks nothing", () => {
    const log = toLog({
      log() {
        throw new Error("disk full");
      },
    });
    expect(() => log.error({}, "text")).not.toThrow();
  });

  test("has the stack of an error of the application's in the line", () => {
    const said: string[] = [];
    const log = toLog({ log: (_level, text) => void said.push(text) });
    log.error({ err: new RangeError("too far") }, "a handler failed");
    expect(said[0]).toMatch(/^a handler failed err=RangeError: too far\n +at /);
  });

  test("false is silence", () => {
    expect(() => toLog(false).warn({}, "text")).not.toThrow();
  });
});
