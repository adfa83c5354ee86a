// @ts-check
// npm run test:soak: faults for as many minutes as one likes, and proof that nothing was lost by them. Not
// part of CI.
import { ensureBuilt } from "../../scripts/build/fresh-build.js";
import { ensureDependencies } from "../../scripts/install.js";
import { checkNodeVersion } from "../../scripts/node-version.js";
import { isShuttingDown, shutdown } from "../../scripts/shutdown.js";
import { readArguments, usage } from "./arguments.js";

const say = (/** @type {string} */ line) => console.log(`· ${line}`);

checkNodeVersion();
// What a fault leaves half-done when everything ends.
process.on("unhandledRejection", (error) => {
  if (!isShuttingDown()) console.error("In the soak itself:", error);
});
let failed = true;
try {
  const given = readArguments(process.argv.slice(2));
  await ensureDependencies({ say });
  await ensureBuilt({ say });
  const { soak } = await import("./soak.js");
  failed = !(await soak(given));
} catch (error) {
  if (!isShuttingDown()) console.error(error instanceof Error ? error.message : error, `\n\n${usage}`);
}
if (!isShuttingDown()) {
  await shutdown();
  process.exit(failed ? 1 : 0);
}
