// @ts-check
// getToken → gotToken of a session that is there. Ours reads the row each time.
import { measureSideBySide, resultOf } from "../side-by-side.js";

/** @type {import("../context.js").Goal} */
export default {
  name: "resume",
  title: "a socket gets its session again, by event",
  async run(context) {
    return resultOf(await measureSideBySide(context, "resume"), { share: 90 });
  },
};
