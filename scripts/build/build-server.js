// @ts-check
// The server half of dist/: one CommonJS module for each of src/. And beside each entry, those of the client
// too, an ES module that hands on what is in it: so everything is there once, however Node loads it.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { projectFolder } from "../paths.js";
import { entries } from "./entries.js";

const require = createRequire(import.meta.url);
const source = path.join(projectFolder, "src");

/** An ES module only, which not every CommonJS runtime can require (Jest's cannot): it goes along. */
const BUILT_IN = "uuid";

/** The function itself is what `require` gives, with all exports on it; `__esModule` as TypeScript and Babel need it. */
const FOOTER = `
module.exports = Object.assign(module.exports.tokenSession, module.exports);
Object.defineProperty(module.exports, "__esModule", { value: true });`;

/** Needs the dependencies, the declarations that tsc has made, and the client. */
export async function buildServer() {
  const { build } = await import("esbuild");
  const sources = [...sourceFiles()];
  const options = /** @type {const} @satisfies {import("esbuild").BuildOptions} */ ({
    absWorkingDir: projectFolder,
    bundle: true,
    outbase: "src",
    outdir: "dist",
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
    plugins: [onlyBuiltIn, packagedTexts],
  });
  const index = path.join("src", "index.ts");
  await build({ ...options, entryPoints: sources.filter((file) => file !== index) });
  await build({ ...options, entryPoints: [index], footer: { js: FOOTER } });
  write("dist/package.json", '{ "type": "commonjs" }\n');
  write("dist/client/package.json", '{ "type": "module" }\n');
  write("dist/client/types/package.json", '{ "type": "commonjs" }\n');
  const license = readFileSync(path.join(projectFolder, "node_modules", BUILT_IN, "LICENSE.md"), "utf8");
  write(
    "dist/THIRD-PARTY-LICENSES.md",
    `Built in: ${BUILT_IN} ${require(`${BUILT_IN}/package.json`).version}\n\n${license}`,
  );
  for (const entry of entries()) writeWrapper(entry);
}

/** @param {import("./entries.js").Entry} entry */
function writeWrapper({ name, required, imported, types }) {
  const named = Object.keys(require(path.join(projectFolder, required))).filter(isExport);
  // By this, which never runs, Node knows what an ES module can import from here. esbuild writes it where the
  // platform is Node, so not into the client's.
  if (required.endsWith(".cjs"))
    appendFileSync(path.join(projectFolder, required), `\n0&&(module.exports={${named.join()}});\n`);
  const from = `./${path.basename(required)}`;
  // The main entry alone has no name behind the package's.
  const asDefault = (/** @type {string} */ file) =>
    name.includes("/") ? "" : `export { tokenSession as default } from "${file}";\n`;
  const exported =
    named.length > 0 ? `export { ${named.join(", ")} } from "${from}";\n` : `import "${from}";\n`;
  write(imported, exported + asDefault(from));
  const typed = `./${path.basename(types).replace(".d.ts", ".js")}`;
  write(types.replace(".d.ts", ".d.mts"), `export * from "${typed}";\n${asDefault(typed)}`);
}

/** @param {string} name */
function isExport(name) {
  return name !== "default";
}

/** @type {import("esbuild").Plugin} Each file stays one; of packages, only the one above goes in. */
const onlyBuiltIn = {
  name: "only-built-in",
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ path: wanted, kind, importer }) => {
      if (kind === "entry-point" || importer.includes(`${path.sep}node_modules${path.sep}`)) return undefined;
      return wanted === BUILT_IN ? undefined : { path: wanted, external: true };
    });
  },
};

/** @type {import("esbuild").Plugin} What packaged-text.ts says of it. */
const packagedTexts = {
  name: "packaged-texts",
  setup({ onLoad }) {
    onLoad({ filter: /packaged-text\.ts$/ }, ({ path: file }) => {
      const files = [...readFileSync(file, "utf8").matchAll(/"((?:sql|dist)\/[^"]+)"/g)].map(
        ([, name = ""]) => name,
      );
      const texts = files.map((name) => [name, readFileSync(path.join(projectFolder, name), "utf8")]);
      if (texts.length === 0) throw new Error("packaged-text.ts names no files");
      return {
        contents: `const texts = ${JSON.stringify(Object.fromEntries(texts))};
          export const packagedText = (file) => texts[file];`,
      };
    });
  },
};

function* sourceFiles() {
  for (const name of readdirSync(source, { recursive: true, encoding: "utf8" }))
    if (name.endsWith(".ts") && !name.endsWith(".d.ts")) yield path.join("src", name);
}

/** @param {string} file @param {string} text */
function write(file, text) {
  const target = path.join(projectFolder, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, text);
}
