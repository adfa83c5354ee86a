// @ts-check
// Holds src/ and client/ to the list of docs/architecture.md ("Dependencies"): which way imports run
// (structure-rules.js), how many files lie in the root of src/, and how long files and comments are.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { cruise } from "dependency-cruiser";
import { projectFolder } from "../paths.js";
import config from "./structure-rules.js";

/**
 * In the root of src/ is what everybody speaks of, and what puts the folders together. More than these, and a
 * folder is missing.
 */
const MOST_IN_ROOT = 12;

/** A longer file of src/ or client/ does two things. */
const MOST_LINES = 330;

/** Columns of a comment. Code is formatted to as many (biome.json). */
const WIDEST_COMMENT = 110;

const COMMENT = /^\s*(?:\/\/|\/?\*)/;

/**
 * All files, what each imports, and which imports break a rule.
 * @param {string} project the folder that has src/ and client/
 */
export async function readImports(project) {
  const { output } = await cruise(["src", "client"], {
    ...config.options,
    baseDir: project,
    validate: true,
    ruleSet: { forbidden: config.forbidden ?? [] },
  });
  if (typeof output === "string") throw new Error("dependency-cruiser has answered with a text");
  return output;
}

/**
 * @param {string} project the folder that has src/ and client/
 * @returns {Promise<{ files: number, faults: string[] }>}
 */
export async function checkStructure(project) {
  const { violations, totalCruised } = (await readImports(project)).summary;
  const faults = violations.map(({ rule, from, to, cycle }) => {
    const way = cycle ? cycle.map(({ name }) => name).join(" -> ") : to;
    return `${rule.name}: ${from} -> ${way}`;
  });
  const inRoot = fs.readdirSync(path.join(project, "src")).filter((name) => name.endsWith(".ts"));
  if (inRoot.length > MOST_IN_ROOT)
    faults.push(
      `crowded-root: src/ has ${inRoot.length} files of its own, at most ${MOST_IN_ROOT} are meant to be there`,
    );
  for (const folder of ["src", "client"]) faults.push(...lengthFaults(project, folder));
  return { files: totalCruised, faults };
}

/**
 * @param {string} project
 * @param {string} folder
 */
function lengthFaults(project, folder) {
  const faults = [];
  for (const name of fs.readdirSync(path.join(project, folder), { recursive: true, encoding: "utf8" })) {
    if (!/\.c?ts$/.test(name)) continue;
    const file = path.join(folder, name);
    const lines = fs.readFileSync(path.join(project, file), "utf8").trimEnd().split("\n");
    if (lines.length > MOST_LINES)
      faults.push(
        `long-file: ${file} has ${lines.length} lines, at most ${MOST_LINES} are meant to be there`,
      );
    for (const [index, line] of lines.entries())
      if (COMMENT.test(line) && line.length > WIDEST_COMMENT)
        faults.push(`wide-comment: ${file}:${index + 1} is wider than ${WIDEST_COMMENT} columns`);
  }
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { files, faults } = await checkStructure(path.resolve(process.argv[2] ?? projectFolder));
  for (const line of faults) console.error(line);
  console.log(`${files} files, ${faults.length} faults`);
  if (faults.length > 0 || files === 0) process.exitCode = 1;
}
