// @ts-check
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { projectFolder } from "./paths.js";

/**
 * Installs what package-lock.json says, unless exactly that is there.
 * @param {{ say: import("./paths.js").Say, folder?: string }} options `folder`: another package
 * than the project
 */
export async function ensureDependencies({ say, folder = projectFolder }) {
  if (isInstalled(folder)) return;
  const place = path.relative(projectFolder, folder);
  say(`Installing the dependencies of package-lock.json${place && ` in ${place}`} (npm ci)…`);
  await npmCi(folder);
}

/**
 * npm notes what it has installed in node_modules/.package-lock.json, as the last thing it does: an
 * installation that was broken off has no such file, one from before the lock file changed has another
 * content.
 * @param {string} folder
 */
function isInstalled(folder) {
  const noted = path.join(folder, "node_modules", ".package-lock.json");
  if (!fs.existsSync(noted)) return false;
  const installed = readPackages(noted);
  return Object.entries(readPackages(path.join(folder, "package-lock.json"))).every(([place, wanted]) => {
    // Optional packages are those of other platforms; the empty place is the project itself.
    if (place === "" || (wanted.optional && !installed[place])) return true;
    return installed[place]?.version === wanted.version && installed[place]?.integrity === wanted.integrity;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>}
 */
function readPackages(file) {
  return JSON.parse(fs.readFileSync(file, "utf8")).packages ?? {};
}

/**
 * @param {string} folder
 * @returns {Promise<void>}
 */
function npmCi(folder) {
  const windows = process.platform === "win32";
  return new Promise((resolve, reject) => {
    // Development dependencies are wanted even where NODE_ENV says "production". npm.cmd starts only through
    // a shell.
    const child = spawn(windows ? "npm.cmd" : "npm", ["ci", "--include=dev"], {
      cwd: folder,
      shell: windows,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", (error) => reject(new Error(`npm could not be started: ${error.message}`)));
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`npm ci failed (exit code ${code})`)),
    );
  });
}
