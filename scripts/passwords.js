// @ts-check
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

/**
 * A random password, made once and kept in a file that only this user can read.
 * @param {string} file
 */
export function keptPassword(file) {
  if (!fs.existsSync(file)) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600 });
  }
  return fs.readFileSync(file, "utf8").trim();
}
