// @ts-check
import fs from "node:fs";
import path from "node:path";

/**
 * How to run a program that `unpackPackages` has unpacked: through the loader and the libraries that came
 * along, as those of the machine may be older, or change under it.
 * @param {string} folder
 * @param {string} program its path in that folder
 * @returns {{ program: string, leading: string[] }} what to spawn, and the arguments that come before all
 * others
 */
export function throughLoader(folder, program) {
  const roots = ["lib", "lib64", "usr/lib", "usr/lib64"]
    .map((part) => path.join(folder, part))
    .filter(fs.existsSync);
  const libraries = roots.flatMap((root) => [
    root,
    ...foldersIn(root).filter((part) => /-linux-gnu/.test(part)),
  ]);
  const loader = libraries
    .flatMap((library) => fs.readdirSync(library).map((file) => path.join(library, file)))
    .find((file) => /^ld-linux.*\.so\.\d$|^ld64\.so\.\d$/.test(path.basename(file)));
  if (!loader)
    throw new Error(`No loader among the packages unpacked in ${folder}; delete that folder and try again.`);
  return {
    program: loader,
    leading: ["--library-path", libraries.join(":"), path.join(folder, program)],
  };
}

/** @param {string} folder */
function foldersIn(folder) {
  const entries = fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return entries.map((entry) => path.join(folder, entry.name));
}
