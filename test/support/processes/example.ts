import fs from "node:fs";
import path from "node:path";

const project = path.resolve(import.meta.dirname, "../../..");
const MADE = ["node_modules", "dist", "android", "ios", "platforms", "plugins", "lib"];

/** A copy of an example with a package.json of its own. */
export interface Example {
  readonly folder: string;
  remove(): void;
}

/**
 * Copies it to where it is as `npm install` leaves it: this package in its node_modules, what else it needs
 * in those above. What somebody has built or installed in the example itself stays behind.
 */
export function copyExample(name: string): Example {
  const examples = path.join(project, ".cache", "examples");
  fs.mkdirSync(examples, { recursive: true });
  const folder = fs.mkdtempSync(path.join(examples, `${name}-`));
  fs.cpSync(path.join(project, "examples", name), folder, {
    recursive: true,
    filter: (source) => !MADE.includes(path.basename(source)),
  });
  fs.mkdirSync(path.join(folder, "node_modules"));
  // A junction needs no rights on Windows, and is a link elsewhere.
  fs.symlinkSync(project, path.join(folder, "node_modules", "socket.io-token-session"), "junction");
  return { folder, remove: () => fs.rmSync(folder, { recursive: true, force: true }) };
}
