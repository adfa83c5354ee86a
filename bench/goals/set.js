// @ts-check
// An event sets a value and is acknowledged once that is committed.
import { measureSideBySide, resultOf } from "../side-by-side.js";

/** @type {import("../context.js").Goal} */
export default {
  name: "set",
  title:
    "a durable set: event, committed, acknowledged (the old package as it is acknowledges before it writes)",
  async run(context) {
    return resultOf(await measureSideBySide(context, "set"), { share: 80 });
  },
};
