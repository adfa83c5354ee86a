import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";

// In a fresh clone there are no packages yet: a command installs them, and so may load none before that.

const PROJECT = path.resolve(import.meta.dirname, "../../..");
const STATIC_IMPORT = /^(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|^import\s+"([^"]+)"/gm;

/** What a file and all that it imports statically load from packages, each as `file → package`. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const specifiers = Array.from(
    readFileSync(file, "utf8").matchAll(STATIC_IMPORT),
    ([, from, alone]) => from ?? alone ?? "",
  );
  return specifiers.flatMap((specifier) => {
    if (specifier.startsWith("node:")) return [];
    if (specifier.startsWith(".")) return packagesOf(path.resolve(path.dirname(file), specifier), seen);
    return [`${path.basename(file)} → ${specifier}`];
  });
}

test.each([
  ["start", "scripts/start.js"],
  ["test", "scripts/test.js"],
  ["example", "scripts/example.js"],
  ["bench", "bench/run.js"],
  ["test:soak", "test/soak/run.js"],
])("npm run %s loads nothing but what Node has", (_, file) => {
  const seen = new Set<string>();
  expect(packagesOf(path.join(PROJECT, file), seen)).toEqual([]);
  expect(seen.size).toBeGreaterThan(5);
});
