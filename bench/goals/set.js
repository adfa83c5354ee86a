// @ts-check
// An event sets a value and is acknowledged once that is committed.
import { beyondFigures, cpuFigures, floorFigures, rateFigures, sharesOf } from "../shares.js";
import { measureSideBySide } from "../side-by-side.js";

/** @type {import("../context.js").Goal} */
export default {
  name: "set",
  title:
    "a durable set: event, committed, acknowledged (the old package as it is acknowledges before it writes)",
  async run(context) {
    const crowds = await measureSideBySide(context, "set");
    return {
      figures: [
        ...rateFigures(crowds, { 1000: 76, 200: 55 }),
        ...floorFigures(crowds, { 1000: 95 }),
        ...beyondFigures(crowds, { bare: 0.35, oldDurable: 0.13, express: 0.06 }),
        ...cpuFigures(crowds),
      ],
      details: { shares: sharesOf(crowds), crowds },
    };
  },
};
