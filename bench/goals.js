// @ts-check
// The goals, in the order in which they are run and shown.

/** @typedef {import("./context.js").Goal} Goal */

const names = [
  "resume",
  "set",
  "storm",
  "flood",
  "latency",
  "half-load",
  "statements",
  "heap",
  "rows",
  "prune",
  "one-session",
  "locked-row",
  "touches",
  "metrics",
];

/**
 * @param {readonly string[]} [only] names of those wanted; all unless said
 * @returns {Promise<Goal[]>}
 */
export async function loadGoals(only = names) {
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Error(`No goal is named ${unknown.join(", ")}. There are: ${names.join(", ")}.`);
  const files = names
    .filter((name) => only.includes(name))
    .map((name) => new URL(`goals/${name}.js`, import.meta.url));
  return Promise.all(files.map(async (file) => (await import(file.href)).default));
}
