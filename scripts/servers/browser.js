// @ts-check
// Finds a Chrome or Chromium for browser tests: on the machine, else (Linux) the one that travels in a
// registry package.
import fs from "node:fs";
import path from "node:path";
import { ensureDependencies } from "../install.js";
import { cacheFolder, projectFolder } from "../paths.js";
import { capture, findPrograms, lastLines, run } from "../processes.js";

/** @typedef {import("../paths.js").Say} Say */
/** @typedef {{ path: string, args: string[], env: Record<string, string> }} Browser what to launch it with */
/** @typedef {{ missing: string, command: string }} NoBrowser why there is none, and what would add one */

const packageFolder = path.join(projectFolder, "scripts", "servers", "chromium");

/**
 * @param {{ say: Say }} options
 * @returns {Promise<Browser | NoBrowser>}
 */
export async function findBrowser({ say }) {
  // Chrome refuses to run as root inside its sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  for (const program of browsersOnMachine()) {
    if (!(await runs(program, {}))) continue;
    say(`Using the browser of this machine (${program}).`);
    return { path: program, args, env: {} };
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { missing: "no Chrome or Chromium on this machine", command: installCommand() };
  }
  return packagedBrowser(say);
}

function browsersOnMachine() {
  const chosen = process.env["CHROME_PATH"];
  if (chosen) {
    if (!fs.existsSync(chosen)) throw new Error(`CHROME_PATH names no file: ${chosen}`);
    return [chosen];
  }
  const names = ["google-chrome-stable", "google-chrome", "chromium", "chromium-browser", "chrome"];
  const applications = ["Google Chrome", "Chromium"].map(
    (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
  );
  const roots = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"].flatMap(
    (name) => process.env[name] ?? [],
  );
  const windows = roots.map((root) => path.join(root, "Google", "Chrome", "Application", "chrome.exe"));
  const places = [...(process.platform === "darwin" ? applications : []), ...windows].filter(fs.existsSync);
  return [...names.flatMap((name) => findPrograms(name)), ...places];
}

/**
 * Whether the program is more than a stub: Ubuntu's chromium-browser may only ask for a snap to be installed.
 * @param {string} program
 * @param {Record<string, string>} env
 */
async function runs(program, env) {
  // On Windows chrome.exe prints no version and opens a window instead.
  if (process.platform === "win32") return true;
  const { code } = await capture(program, ["--version"], { env: { ...process.env, ...env } });
  return code === 0;
}

/**
 * @param {Say} say
 * @returns {Promise<Browser | NoBrowser>}
 */
async function packagedBrowser(say) {
  const folder = await unpackedFolder(say);
  const program = path.join(folder, "chromium");
  const fonts = { FONTCONFIG_FILE: writeFontSettings(folder) };
  // The system's own libraries first: those that the package carries are for machines that lack them.
  const carried = { ...fonts, LD_LIBRARY_PATH: path.join(folder, "al2023", "lib") };
  for (const env of [fonts, carried]) {
    if (!(await runs(program, env))) continue;
    const libraries = env === carried ? ", with the libraries that it carries" : "";
    say(`No Chrome or Chromium on this machine: using the one of a registry package${libraries}.`);
    // It has no setuid helper, and many systems keep ordinary users from the other way to a sandbox.
    return { path: program, args: ["--no-sandbox", "--disable-gpu"], env };
  }
  const { stderr } = await capture(program, ["--version"], { env: { ...process.env, ...carried } });
  return {
    missing: `the packaged Chromium does not run here: ${lastLines(stderr, 1)}`,
    command: installCommand(),
  };
}

/**
 * @param {Say} say
 * @returns {Promise<string>} the folder that has chromium, fonts/ and al2023/lib/ in it
 */
async function unpackedFolder(say) {
  const lock = JSON.parse(fs.readFileSync(path.join(packageFolder, "package-lock.json"), "utf8"));
  const { version } = lock.packages["node_modules/@sparticuz/chromium"];
  const folder = path.join(cacheFolder, `chromium-${version}`);
  if (fs.existsSync(folder)) return folder;
  await ensureDependencies({ say, folder: packageFolder });
  fs.mkdirSync(cacheFolder, { recursive: true });
  const work = fs.mkdtempSync(path.join(cacheFolder, "chromium-unfinished-"));
  try {
    const env = { ...process.env, TMPDIR: work };
    await run(process.execPath, [path.join(packageFolder, "unpack.js")], { env });
    if (!fs.existsSync(folder)) fs.renameSync(work, folder);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/**
 * Without a font the pages stay empty, and the settings that come along know only the places of a cloud's
 * machines. Written each time, as the project's folder may have moved.
 * @param {string} folder
 */
function writeFontSettings(folder) {
  const file = path.join(folder, "fonts", "here.conf");
  const carried = path.join(folder, "fonts").replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const lines = [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    "<fontconfig>",
    '  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>',
    "  <dir>/usr/share/fonts</dir>",
    `  <dir>${carried}</dir>`,
    `  <cachedir>${carried}/cache</cachedir>`,
    "</fontconfig>",
    "",
  ];
  fs.writeFileSync(file, lines.join("\n"));
  return file;
}

function installCommand() {
  if (process.platform === "darwin") return "brew install --cask google-chrome";
  if (process.platform === "win32") return "winget install Google.Chrome";
  const debian = findPrograms("apt-get").length > 0;
  return debian ? "apt install chromium" : "dnf install chromium";
}
