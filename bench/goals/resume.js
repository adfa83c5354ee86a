// @ts-check
// getToken → gotToken of a session that is there. Ours reads the row each time.
import { cpuFigures, rateFigures, sharesOf } from "../shares.js";
import { measureSideBySide } from "../side-by-side.js";

/** @type {import("../context.js").Goal} */
export default {
  name: "resume",
  title: "a socket gets its session again, by event",
  async run(context) {
    const crowds = await measureSideBySide(context, "resume");
    return {
      figures: [...rateFigures(crowds, { 1000: 94, 200: 85 }), ...cpuFigures(crowds)],
      details: { shares: sharesOf(crowds), crowds },
    };
  },
};
