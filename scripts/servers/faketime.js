// @ts-check
// libfaketime, by which a program sees another time than the machine's: on the machine, else among Debian's
// packages.
import fs from "node:fs";
import path from "node:path";
import { canUnpackPackages, unpackPackages } from "./debian.js";

/** @typedef {import("../paths.js").Say} Say */
/** @typedef {{ library: string } | { missing: string, command: string }} Found */

/** The variant for programs with several threads. */
const name = "libfaketimeMT.so.1";

/**
 * @param {{ say: Say }} options
 * @returns {Promise<Found>}
 */
export async function findFaketime({ say }) {
  const here = inFolder("/");
  if (here) return { library: here };
  const command = "apt install libfaketime";
  if (!canUnpackPackages()) return { missing: "no libfaketime on this machine", command };
  const library = inFolder(await unpackPackages({ name: "libfaketime", packages: ["libfaketime"], say }));
  return library ? { library } : { missing: "no libfaketime in the unpacked package", command };
}

/** @param {string} root */
function inFolder(root) {
  const libraries = path.join(root, "usr", "lib");
  if (!fs.existsSync(libraries)) return undefined;
  return [".", ...fs.readdirSync(libraries)]
    .map((folder) => path.join(libraries, folder, "faketime", name))
    .find(fs.existsSync);
}

/**
 * A time that can be moved while programs run that see it.
 * @param {string} library what `findFaketime` found
 * @param {string} file says how far off it is; made here
 * @returns {{ environment: Record<string, string>, setOff: (seconds: number) => void }}
 */
export function movableTime(library, file) {
  const setOff = (/** @type {number} */ seconds) => {
    // Whole at every moment: the programs may be reading it.
    fs.writeFileSync(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    fs.renameSync(`${file}.new`, file);
  };
  setOff(0);
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    // As it is when somebody sets a machine's clock, or it has slept: the monotonic clock goes on from where
    // it was.
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    DONT_FAKE_MONOTONIC: "1",
  };
  return { environment, setOff };
}
