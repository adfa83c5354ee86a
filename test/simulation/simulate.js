// @ts-check
// npm run simulate: builds the simulator and the two programs that its processes run, and starts it. `--
// --help` has the options.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { cacheFolder, projectFolder } from "../../scripts/paths.js";

process.chdir(projectFolder);
const outfile = path.join(cacheFolder, "simulation", "simulator.mjs");
await build({
  entryPoints: ["test/simulation/command/main.ts"],
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  sourcemap: "inline",
  outfile,
  logLevel: "error",
});
/** @type {{ main(args: string[], self: string): Promise<number> }} */
const { main } = await import(pathToFileURL(outfile).href);
process.exitCode = await main(process.argv.slice(2), outfile);
