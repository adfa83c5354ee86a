// @ts-check
// Translates TypeScript for Jest. Types are checked once, by `tsc -b`: here each file is translated by itself, which takes milliseconds.
import { transform, transformSync } from "esbuild";

/** @param {string} sourcefile @returns {import("esbuild").TransformOptions} */
const options = (sourcefile) => ({
  loader: "ts",
  format: "esm",
  target: "node20",
  sourcefile,
  sourcemap: "inline",
});

export default {
  /** For what Jest loads by `import`. @param {string} source @param {string} file */
  async processAsync(source, file) {
    const { code } = await transform(source, options(file));
    return { code };
  },
  /** @param {string} source @param {string} file */
  process(source, file) {
    const { code } = transformSync(source, options(file));
    return { code };
  },
};
