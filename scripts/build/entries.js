// @ts-check
// What package.json exports: the only list of entries.
import { readFileSync } from "node:fs";
import path from "node:path";
import { projectFolder } from "../paths.js";

/**
 * One that can be imported and required: its specifier, the files that `require` and, in Node, `import` give,
 * and the declarations of the former. All but the first are paths within the project.
 * @typedef {{ name: string, required: string, imported: string, types: string }} Entry
 */

/** All but those that are files, not modules. @returns {Entry[]} */
export function entries() {
  const { name, exports } = JSON.parse(readFileSync(path.join(projectFolder, "package.json"), "utf8"));
  return Object.entries(exports)
    .filter(([, target]) => target.require !== undefined)
    .map(([entry, target]) => ({
      name: name + entry.slice(1),
      required: target.require.default,
      imported: target.import.node ?? target.import.default,
      types: target.require.types,
    }));
}
