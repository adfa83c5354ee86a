// @ts-check
// The results as text.

/** @typedef {import("./context.js").Figure} Figure */
/**
 * @typedef {{ name: string, title: string, seconds: number, figures: Figure[], details?: unknown, error?:
 * string }} GoalResult
 */
/** @typedef {{ engine: string, version: string, goals: GoalResult[] }} EngineResult */
/**
 * @typedef {object} Results
 * @property {boolean} quick
 * @property {number} rounds
 * @property {ReturnType<typeof import("./machine.js").describeMachine>} machine
 * @property {Record<string, string>} versions
 * @property {EngineResult[]} engines
 */

/**
 * @param {Results} results
 * @returns {string}
 */
export function toText({ quick, rounds, machine, versions, engines }) {
  const lines = engines.flatMap(({ engine, version, goals }) => [
    "",
    `${engine === "mysql" ? "MySQL" : "MariaDB"} ${version}, ${rounds === 1 ? "1 round" : `medians of ${rounds} rounds`}`,
    ...table(goals),
  ]);
  const { cpu, cores, memoryGb, system } = machine;
  return [
    ...lines,
    "",
    `Machine   ${cpu}, ${cores} cores, ${memoryGb} GB, ${system}`,
    `Versions  ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    ...(quick ? ["", "A quick look: few clients, short rounds, small tables. Not figures to quote."] : []),
  ].join("\n");
}

/** @param {GoalResult[]} goals */
function table(goals) {
  const rows = [["goal", "figure", "measured", "min–max", "wanted", "reached"]];
  for (const { name, figures, error } of goals) {
    if (error !== undefined) rows.push([name, "failed, see above", "", "", "", "no"]);
    for (const figure of figures) {
      const { label, value, unit, spread, wanted = "", reached } = figure;
      const range = spread ? `${format(spread[0], unit)}–${format(spread[1], unit)}` : "";
      rows.push([name, label, withUnit(value, unit), range, wanted, wanted && (reached ? "yes" : "NO")]);
    }
  }
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const written = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [written[0] ?? "", widths.map((width) => "-".repeat(width)).join("  "), ...written.slice(1)];
}

/**
 * @param {number} value
 * @param {string} unit
 */
export function withUnit(value, unit) {
  if (Number.isNaN(value)) return "not measured";
  return `${format(value, unit)}${unit === "×" ? "" : " "}${unit}`;
}

/**
 * Three digits that say something; shares as whole numbers, and what was counted as it is.
 * @param {number} value
 * @param {string} unit
 */
function format(value, unit) {
  if (unit === "%" || Math.abs(value) >= 100 || Number.isInteger(value))
    return Math.round(value).toLocaleString("en").replaceAll(",", " ");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
