import { createRequire } from "node:module";
import { Script } from "node:vm";
import { build, type Plugin } from "esbuild";
import type { SimulatedProcess } from "./process.js";

/** Commands of the project run in its folder. */
const ROOT = `${process.cwd()}/`;
const require = createRequire(`${ROOT}package.json`);

/** A change to the text of a source file, by which the simulator is tested itself. */
export interface Mutant {
  readonly name: string;
  /** Below the project's folder. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * The product's own code with the real Socket.IO, in one text, that takes time, chance and turns from the
 * process that it runs in.
 */
export async function bundle(entry: "server" | "client", mutant?: Mutant): Promise<string> {
  const applied = mutant && mutated(mutant);
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [`test/simulation/world/${entry}-program.ts`],
    bundle: true,
    platform: "node",
    format: "cjs",
    write: false,
    inject: ["test/simulation/world/globals.js"],
    define: {
      "Math.random": "simulated.random",
      "import.meta.url": JSON.stringify(`file://${ROOT}src/base/packaged-text.ts`),
      ...(entry === "client" ? { globalThis: "simulated.window", global: "simulated.window" } : {}),
    },
    // Without state, or not run: one of each will do.
    external: ["accepts", "cors", "pino", "ws", "express", "koa", "xmlhttprequest-ssl"],
    plugins: [inPlaceOfNode, ...(applied ? [applied.plugin] : [])],
  });
  // The client's are not in the program of a node, and the other way round; but in one of the two.
  if (applied && !applied.isMet && mutant.file.startsWith("client/") === (entry === "client"))
    throw new Error(`mutant "${mutant.name}": ${mutant.file} is not part of the program`);
  return result.outputFiles[0]?.text ?? "";
}

const inPlaceOfNode: Plugin = {
  name: "in place of Node",
  setup(build) {
    build.onResolve({ filter: /^(node:)?(crypto|timers|async_hooks)$/ }, ({ path }) => ({
      path: path.replace("node:", ""),
      namespace: "simulated",
    }));
    build.onResolve({ filter: /^(debug|kysely)$/ }, ({ path }) => ({ path, namespace: "once" }));
    // A process starts in a tenth of the time without the first, and without a copy of the second's exports
    // in each file that uses them.
    build.onLoad({ filter: /^debug$/, namespace: "once" }, () => ({
      contents: "const debug = () => () => {}; module.exports = Object.assign(debug, { debug });",
    }));
    build.onLoad({ filter: /^kysely$/, namespace: "once" }, async () => ({
      contents: `const all = require("kysely");\n${Object.keys(await import("kysely"))
        .map((name) => `export const ${name} = all.${name};`)
        .join("\n")}`,
    }));
    // TypeScript's configuration has a place for its types.
    build.onResolve({ filter: /^express-session$/ }, () => ({ path: require.resolve("express-session") }));
    build.onLoad({ filter: /.*/, namespace: "simulated" }, ({ path }) => ({
      contents: `module.exports = simulated.${path};`,
    }));
  },
};

/** The change, made to what is built alone; `isMet` once the file was. */
function mutated({ file, from, to, name }: Mutant): { plugin: Plugin; isMet: boolean } {
  const plugin: Plugin = {
    name: "mutant",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path !== `${ROOT}${file}`) return undefined;
        state.isMet = true;
        const { readFile } = await import("node:fs/promises");
        const text = await readFile(path, "utf8");
        if (text.split(from).length !== 2) throw new Error(`mutant "${name}": its text is not there once`);
        return { contents: text.replace(from, () => to), loader: "ts" };
      });
    },
  };
  const state = { plugin, isMet: false };
  return state;
}

/** A program that any number of processes can run, each as if it had loaded it itself. */
export class Program<Exports> {
  readonly #script: Script;

  constructor(text: string, filename: string) {
    this.#script = new Script(`(function (simulated, require, module, exports) {${text}\n})`, { filename });
  }

  startIn({ globals }: Pick<SimulatedProcess, "globals">): Exports {
    const module = { exports: {} };
    this.#script.runInThisContext()(globals, require, module, module.exports);
    return module.exports as Exports;
  }
}
