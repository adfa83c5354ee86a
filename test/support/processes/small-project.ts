import fs from "node:fs";
import os from "node:os";
import path from "node:path";

/** A project of a few files in a folder of its own. */
export interface SmallProject {
  readonly folder: string;
  /** Replaces text in a file that has it. */
  edit(file: string, from: string, to: string): void;
  remove(): void;
}

/** Writes the files, each by its path and content. */
export function writeProject(files: Readonly<Record<string, string>>): SmallProject {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "small-project-"));
  for (const [file, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), content);
  }
  return {
    folder,
    edit(file, from, to) {
      const before = fs.readFileSync(path.join(folder, file), "utf8");
      if (!before.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)}`);
      fs.writeFileSync(
        path.join(folder, file),
        before.replace(from, () => to),
      );
    },
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}
