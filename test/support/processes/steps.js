// @ts-check

/**
 * One thing done to a draft; without `set`, `add` or `append` the key is deleted.
 * @typedef {{ key: string, set: unknown } | { key: string, add: number } | { key: string, append: unknown } |
 * { key: string }} Step
 */

/**
 * Does to a draft what the steps say. @param {Record<string, unknown>} draft @param {readonly Step[]} steps
 */
export function take(draft, steps) {
  for (const step of steps) {
    const { key } = step;
    const old = draft[key];
    if ("set" in step) draft[key] = step.set;
    else if ("add" in step) draft[key] = (typeof old === "number" ? old : 0) + step.add;
    else if ("append" in step) draft[key] = [...(Array.isArray(old) ? old : []), step.append];
    else delete draft[key];
  }
}
