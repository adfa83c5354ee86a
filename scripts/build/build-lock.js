// @ts-check
// One build of a folder at a time: two commands that begin together would remove each other's dist/.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { cacheFolder } from "../paths.js";

/** How long until it is looked at again whether another process has done, in milliseconds. */
const PAUSE_MS = 100;

/** No build takes so long: the lock is one of a killed process, whose number has been given anew. */
const LONGEST_MS = 600_000;

/**
 * Runs `build` while no other process is in here.
 * @template Result
 * @param {() => Promise<Result>} build
 * @param {{ folder?: string, say?: (text: string) => void }} [options]
 * @returns {Promise<Result>}
 */
export async function buildAlone(build, { folder = cacheFolder, say = () => {} } = {}) {
  fs.mkdirSync(folder, { recursive: true });
  const lock = path.join(folder, "building");
  const own = fs.mkdtempSync(path.join(folder, "build-lock-"));
  try {
    const mine = path.join(own, "mine");
    fs.writeFileSync(mine, String(process.pid));
    let isTold = false;
    while (!isTaken(mine, lock)) {
      removeAbandoned(lock, path.join(own, "abandoned"));
      if (!isTold) say("waiting for another build of dist/");
      isTold = true;
      await pause(PAUSE_MS);
    }
    try {
      return await build();
    } finally {
      fs.rmSync(lock, { force: true });
    }
  } finally {
    fs.rmSync(own, { recursive: true, force: true });
  }
}

/**
 * A link is made with its content, or not at all: nobody ever reads a lock without an owner.
 * @param {string} mine
 * @param {string} lock
 */
function isTaken(mine, lock) {
  try {
    fs.linkSync(mine, lock);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/**
 * The lock of a process that has been killed.
 * @param {string} lock
 * @param {string} aside
 */
function removeAbandoned(lock, aside) {
  if (!isAbandoned(lock)) return;
  try {
    // Set aside first: since it was read, another process may have removed it and taken the lock itself.
    fs.renameSync(lock, aside);
    if (!isAbandoned(aside)) fs.linkSync(aside, lock);
    fs.rmSync(aside);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/** @param {string} file */
function isAbandoned(file) {
  try {
    process.kill(Number(fs.readFileSync(file, "utf8")), 0);
    return Date.now() - fs.statSync(file).mtimeMs > LONGEST_MS;
  } catch (error) {
    return hasCode(error, "ESRCH");
  }
}

/** @param {unknown} error @param {string} code */
function hasCode(error, code) {
  return typeof error === "object" && error !== null && "code" in error && error.code === code;
}
