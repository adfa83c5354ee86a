// @ts-check
// Debian and Ubuntu packages without root and without touching the system: apt works in folders of its own,
// believes that nothing is installed (so that all libraries come along, the C library too), and dpkg-deb only
// unpacks.
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { cacheFolder } from "../paths.js";
import { capture, findPrograms, lastLines, run } from "../processes.js";
import { isDebian, machineSuite, sourcesFor } from "./debian-sources.js";

/** @typedef {import("../paths.js").Say} Say */

const unfinished = "-unfinished-";

/** True where `unpackPackages` can work. */
export function canUnpackPackages() {
  return isDebian() && ["apt-get", "dpkg-deb"].every((name) => findPrograms(name).length > 0);
}

/**
 * The folder with these packages and everything they depend on, unpacked; the next call finds it there.
 * @param {object} options
 * @param {string} options.name begins the folder's name
 * @param {readonly string[]} options.packages
 * @param {string} [options.suite] another suite of the same archive, such as "unstable"
 * @param {Say} options.say
 * @returns {Promise<string>}
 */
export async function unpackPackages({ name, packages, suite, say }) {
  const folder = cachedPath(name, packages, suite);
  if (fs.existsSync(folder)) return folder;
  return inWorkFolder(name, async (work) => {
    const files = await download({ work, packages, suite, say });
    const unpacked = path.join(work, "unpacked");
    fs.mkdirSync(unpacked);
    for (const file of files) await run("dpkg-deb", ["--extract", file, unpacked]);
    renameUnlessThere(unpacked, folder);
    say(`Unpacked ${files.length} packages into ${path.relative(process.cwd(), folder) || folder}.`);
    return folder;
  });
}

/**
 * Names of packages in the machine's own suites; asked once, then remembered.
 * @param {string} pattern as apt-cache understands it
 * @returns {Promise<string[]>}
 */
export async function searchPackages(pattern) {
  const remembered = cachedPath("search", [pattern]);
  if (fs.existsSync(remembered)) return JSON.parse(fs.readFileSync(remembered, "utf8"));
  return inWorkFolder("search", async (work) => {
    const configuration = writeConfiguration(work, sourcesFor());
    await capture("apt-get", ["--config-file", configuration, "update"]);
    const found = await run("apt-cache", ["--config-file", configuration, "search", "--names-only", pattern]);
    const names = found.split("\n").flatMap((line) => line.split(" ")[0] || []);
    fs.writeFileSync(remembered, JSON.stringify(names));
    return names;
  });
}

/**
 * @param {string} name
 * @param {readonly string[]} asked
 * @param {string} [suite]
 */
function cachedPath(name, asked, suite = machineSuite()) {
  const key = createHash("sha256")
    .update(JSON.stringify([asked, suite, os.arch()]))
    .digest("hex");
  return path.join(cacheFolder, `${name}-${key.slice(0, 12)}`);
}

/**
 * @template T
 * @param {string} name
 * @param {(work: string) => Promise<T>} job
 * @returns {Promise<T>}
 */
async function inWorkFolder(name, job) {
  fs.mkdirSync(cacheFolder, { recursive: true });
  removeAbandoned();
  // Beside the cached folders, not in the system's temporary one: the rename must not cross file systems.
  const work = fs.mkdtempSync(path.join(cacheFolder, `${name}${unfinished}`));
  try {
    return await job(work);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** Work folders of runs that were killed; an hour is longer than any download that is still going on. */
function removeAbandoned() {
  for (const entry of fs.readdirSync(cacheFolder)) {
    const folder = path.join(cacheFolder, entry);
    if (!entry.includes(unfinished) || fs.statSync(folder).mtimeMs > Date.now() - 3_600_000) continue;
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {{ work: string, packages: readonly string[], suite?: string | undefined, say: Say }} options
 * @returns {Promise<string[]>} the package files
 */
async function download({ work, packages, suite, say }) {
  const from = suite ? `the suite ${suite}` : `this system's archive (${machineSuite()})`;
  say(
    `Downloading ${packages.join(", ")} and the libraries it needs from ${from}; the system stays as it is…`,
  );
  const configuration = writeConfiguration(work, sourcesFor(suite));
  // One archive of several that does not answer is no failure yet: what counts is whether the packages come.
  const updated = await capture("apt-get", ["--config-file", configuration, "update"]);
  const args = [
    "--config-file",
    configuration,
    "install",
    "--yes",
    "--no-install-recommends",
    "--download-only",
  ];
  const installed = await capture("apt-get", [...args, ...packages]);
  if (installed.code !== 0) {
    const said = lastLines(`${updated.stderr}\n${installed.stderr}`, 15);
    throw new Error(`apt-get could not download ${packages.join(", ")} from ${from}:\n${said}`);
  }
  const archives = path.join(work, "archives");
  return fs
    .readdirSync(archives)
    .filter((file) => file.endsWith(".deb"))
    .map((file) => path.join(archives, file));
}

/**
 * Paths are given with --config-file, which apt reads after the machine's own settings (proxies and the like
 * stay).
 * @param {string} work
 * @param {string} sources
 */
function writeConfiguration(work, sources) {
  for (const folder of ["lists/partial", "archives/partial", "sources"]) {
    fs.mkdirSync(path.join(work, folder), { recursive: true });
  }
  fs.writeFileSync(path.join(work, "status"), "");
  fs.writeFileSync(path.join(work, "sources", "archive.sources"), sources);
  const file = path.join(work, "apt.conf");
  fs.writeFileSync(
    file,
    [
      `Dir::Etc::SourceList "/dev/null";`,
      `Dir::Etc::SourceParts "${path.join(work, "sources")}";`,
      `Dir::Etc::Preferences "/dev/null";`,
      `Dir::Etc::PreferencesParts "/dev/null";`,
      `Dir::State "${work}";`,
      `Dir::State::Lists "${path.join(work, "lists")}";`,
      `Dir::State::Status "${path.join(work, "status")}";`,
      `Dir::Cache "${work}";`,
      `Dir::Cache::Archives "${path.join(work, "archives")}";`,
      `Dir::Log "${work}";`,
      `Acquire::Languages "none";`,
      `Acquire::AllowInsecureRepositories "false";`,
      `APT::Get::AllowUnauthenticated "false";`,
      // As root apt would become the user _apt, who may not be able to enter the project's folder.
      `APT::Sandbox::User "root";`,
      // Hooks of the machine (desktop indexes and the like) are for the machine's own lists.
      "#clear APT::Update::Pre-Invoke;",
      "#clear APT::Update::Post-Invoke;",
      "#clear APT::Update::Post-Invoke-Success;",
      "",
    ].join("\n"),
  );
  return file;
}

/**
 * @param {string} from
 * @param {string} to
 */
function renameUnlessThere(from, to) {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    // Another run was faster.
    if (!fs.existsSync(to)) throw error;
  }
}
