// @ts-check
// Which engines the client is built for. `node scripts/build/client-engines.js` prints the table of
// docs/client.md.
import { fileURLToPath } from "node:url";

/**
 * The oldest of each that files of dist/client run in. A WebView of Android has the number of its Chrome, one
 * of iOS that of the system.
 * @typedef {Readonly<Record<"chrome" | "ios" | "safari" | "firefox", number>>} Engines
 */

/** The script-tag file: for apps on devices that nobody brings up to date any more. @type {Engines} */
const SCRIPT_ENGINES = { chrome: 60, ios: 11.3, safari: 11.1, firefox: 55 };
/** The modules: those that have ES2020. A bundler can bring their syntax to older ones. @type {Engines} */
const MODULE_ENGINES = { chrome: 80, ios: 13.4, safari: 13.1, firefox: 74 };

/**
 * What esbuild is to be told: nothing newer is left in its output.
 * @satisfies {Record<string, import("esbuild").TransformOptions>}
 */
export const targets = {
  script: {
    target: Object.entries(SCRIPT_ENGINES).map(([name, version]) => `${name}${version}`),
    // Has errors there, but only in patterns with computed keys.
    supported: { destructuring: true },
  },
  module: { target: "es2020" },
};

export function enginesTable() {
  const row = (/** @type {string} */ name, /** @type {Engines} */ { chrome, ios, safari, firefox }) =>
    `| ${name} | ${chrome} | ${ios} | ${safari} | ${firefox} |`;
  return [
    "| runs in, from | Chrome, Edge, Android WebView | iOS | Safari | Firefox |",
    "| --- | --- | --- | --- | --- |",
    row("script-tag file", SCRIPT_ENGINES),
    row("modules", MODULE_ENGINES),
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(enginesTable());
