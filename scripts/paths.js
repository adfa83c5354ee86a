// @ts-check
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that has package.json. */
export const projectFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** What can be fetched or made again: unpacked packages, test servers. Ignored by git. */
export const cacheFolder = path.join(projectFolder, ".cache");

/** What `npm start` keeps between runs: the demo's database and its passwords. Ignored by git. */
export const dataFolder = path.join(projectFolder, ".data");

/** Where the API reference is made, from the project's folder. Ignored by git, and not in the package. */
export const referenceFolder = path.join("docs", "api");

/** @typedef {(line: string) => void} Say prints one line for the person at the terminal */
