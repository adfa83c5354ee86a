import { expect, test } from "@jest/globals";
import { LogOnce } from "../../../src/base/log-once.js";
import { Outages } from "../../../src/base/outages.js";
import { SessionError } from "../../../src/errors.js";
import { HandClock } from "../../support/clock.js";
import { keptLog } from "../../support/log.js";

test("each is logged once, and anew after it was over", () => {
  const once = new LogOnce();
  expect([once.isDue("a"), once.isDue("b"), once.isDue("a"), once.isDue("b")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([once.reset(), once.reset()]).toEqual([true, false]);
  expect(once.isDue("a")).toBe(true);
});

test("what lasts is logged again after a minute, however often it is met until then", () => {
  const clock = new HandClock();
  const once = new LogOnce({ clock });
  const due: number[] = [];
  for (let second = 0; second <= 120; second++) {
    if (once.isDue()) due.push(second);
    clock.advance(1_000);
  }
  expect(due).toEqual([0, 60, 120]);
});

test("an outage is one line for each code, and one when it is over", () => {
  const log = keptLog();
  const outages = new Outages(
    { clock: new HandClock(), log },
    { failing: "it fails", recovered: "it works again" },
  );
  outages.reportRecovery();
  const unavailable = new SessionError("SESSION_STORE_UNAVAILABLE");
  for (const error of [unavailable, unavailable, new SessionError("SESSION_STORE_FAILED"), unavailable])
    outages.report(error);
  outages.reportRecovery();
  outages.reportRecovery();
  expect(log.lines.map(({ level, code }) => [level, code])).toEqual([
    ["error", "SESSION_STORE_UNAVAILABLE"],
    ["error", "SESSION_STORE_FAILED"],
    ["info", undefined],
  ]);
});
