// @ts-check
// docs/structure.svg: which folder of src/ and client/ imports which, and how often. `--write` draws it;
// without, it must be as the imports are.
//
// The parts stand on a diagonal, in the order of structure-rules.js: folders, and the files that lie in the
// root of src/. An arrow leaves its part to the right, turns down above the part that it imports, and has its
// number where it turns. So no arrow can run up, no line is laid through a part, and nothing is left to a
// layout.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder } from "../paths.js";
import { readImports } from "./check-structure.js";
import { floors } from "./structure-rules.js";

/** @typedef {import("dependency-cruiser").IModule} Module */
/**
 * `has`: how the paths of its files begin. `floor`: its number in the list of docs/architecture.md.
 * @typedef {{ name: string, has: readonly string[], floor?: number }} Part
 */
/** @typedef {Part & { files: readonly Module[], x: number, y: number }} Placed a part with its middle */
/** @typedef {{ from: Placed, to: Placed, imports: number }} Arrow */

const picture = path.join("docs", "structure.svg");
const command = "npm run draw:structure";

/**
 * From the top down. Files of one floor that are in no folder share a part. `index.ts` has none: it repeats
 * what all others export.
 * @type {readonly Part[]}
 */
const plan = floors.slice(1).flatMap((places, index, all) => {
  const floor = index + 2;
  const files = places.filter((place) => !place.endsWith("/"));
  const folders = places.filter((place) => place.endsWith("/"));
  const shared = {
    name: files.map((file) => file.replace(/\.ts$/, "")).join(", "),
    has: inSrc(files),
    floor,
  };
  // The browser's half is on no floor: it imports the words at the bottom, and nothing imports it.
  return [
    ...(index === all.length - 1 ? [{ name: "client/", has: ["client/"] }] : []),
    ...(files.length > 0 ? [shared] : []),
    ...folders.map((name) => ({ name, has: inSrc([name]), floor })),
  ];
});

/** @param {readonly string[]} places */
function inSrc(places) {
  return places.map((place) => `src/${place}`);
}

const step = 38;
const left = 182;
/** Of the first part; the names of the columns stand above. */
const top = 226;
/** Around a part that is on no floor. */
const gap = 14;
const box = { width: 30, height: 26 };

const legend = [
  "Along a row: what a folder imports. Down a column: who imports it. On an arrow: how many imports, types included.",
  "In a box: how many files it has. On the left: its floor; client/ is on none, and no part of the server.",
];

const style = `
    .paper { fill: #ffffff; stroke: #d0d7de }
    .floor { fill: #f6f8fa }
    .apart { fill: none; stroke: #1a7f37; stroke-dasharray: 5 4 }
    .part { fill: #ddf4ff; stroke: #0969da; stroke-width: 2 } .browser { fill: #dafbe1; stroke: #1a7f37 }
    .line { fill: none; stroke: #8c959f; stroke-width: 1.25 }
    .guide { stroke: #d0d7de; stroke-dasharray: 2 4 }
    .head { fill: #656d76 }
    .imports { fill: #ffffff; stroke: #8c959f } .some { fill: #eaeef2 } .many { fill: #c8d1da }
    text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; fill: #1f2328 }
    .title { font-size: 17px; font-weight: 600 }
    .name { font-size: 14px; font-weight: 600; text-anchor: end }
    .column { font-size: 13px }
    .number { font-size: 12px; text-anchor: middle }
    .note { font-size: 14px; fill: #59636e }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d }
      .floor { fill: #151b23 }
      .apart { stroke: #3fb950 }
      .part { fill: #0c2d6b; stroke: #4493f8 } .browser { fill: #033a16; stroke: #3fb950 }
      .line { stroke: #656c76 }
      .guide { stroke: #3d444d }
      .head { fill: #9198a1 }
      .imports { fill: #0d1117; stroke: #656c76 } .some { fill: #262c36 } .many { fill: #3d444d }
      text { fill: #f0f6fc }
      .note { fill: #9198a1 }
    }
  `;

/**
 * The picture, as the imports are.
 * @param {string} project the folder that has src/ and client/
 * @returns {Promise<string>}
 */
export async function drawStructure(project) {
  const { modules } = await readImports(project);
  const parts = place(
    plan.flatMap((part) => {
      const files = modules.filter(({ source }) => isIn(part.has, source));
      return files.length > 0 ? [{ ...part, files }] : [];
    }),
  );
  return draw(parts, arrowsBetween(parts));
}

/** @param {readonly string[]} has @param {string} file */
function isIn(has, file) {
  return has.some((place) => file.startsWith(place));
}

/**
 * @param {readonly (Part & { files: readonly Module[] })[]} parts
 * @returns {Placed[]}
 */
function place(parts) {
  let y = top - step;
  return parts.map((part, index) => {
    const isBesideApart = !part.floor || (index > 0 && !parts[index - 1]?.floor);
    y += step + (isBesideApart ? gap : 0);
    return { ...part, x: left + index * step, y };
  });
}

/**
 * @param {readonly Placed[]} parts
 * @returns {Arrow[]}
 */
function arrowsBetween(parts) {
  return parts.flatMap((from, index) =>
    parts.flatMap((to, other) => {
      if (from === to) return [];
      const all = from.files.flatMap(({ dependencies }) => dependencies);
      const imports = all.filter(({ resolved }) => isIn(to.has, resolved)).length;
      if (imports > 0 && other < index) throw new Error(`${from.name} imports what stands above it`);
      return imports > 0 ? [{ from, to, imports }] : [];
    }),
  );
}

/**
 * @param {readonly Placed[]} parts
 * @param {readonly Arrow[]} arrows
 */
function draw(parts, arrows) {
  const last = parts.at(-1);
  // The last column's name leans to the right.
  const width = (last?.x ?? left) + 124;
  const height = (last?.y ?? top) + 40;
  const told = parts.map((part) => {
    const imported = arrows.filter(({ from }) => from === part);
    return `${part.name}: ${imported.map(({ to, imports }) => `${to.name} ${imports}`).join("; ") || "nothing"}.`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `  <title id="title">Which folder imports which, and how often</title>`,
    `  <desc id="description">`,
    ...told.map((line) => `    ${line}`),
    `  </desc>`,
    `  <style>${style}</style>`,
    `  <defs>`,
    `    <marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0 10 5 0 10z"/></marker>`,
    `  </defs>`,
    `  <rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>`,
    ...parts.flatMap((part, index) => drawFloor(part, parts[index - 1], width)),
    `  <text class="title" x="24" y="36">Which folder imports which, and how often</text>`,
    ...legend.map((line, index) => `  <text class="note" x="24" y="${60 + index * 20}">${line}</text>`),
    ...parts.map((part) => drawColumn(part, arrows)),
    ...parts.flatMap((part) => drawLines(part, arrows)),
    ...parts.flatMap(drawPart),
    ...arrows.map(drawNumber),
    `</svg>`,
    "",
  ].join("\n");
}

/**
 * Parts of one floor have one ground, and its number: that of the list in docs/architecture.md.
 * @param {Placed} part
 * @param {Placed | undefined} above
 * @param {number} width
 */
function drawFloor({ floor, y }, above, width) {
  const area = (/** @type {string} */ look, /** @type {number} */ inset) =>
    `  <rect class="${look}" x="${1 + inset}" y="${y - step / 2}" width="${width - 2 - 2 * inset}" height="${step}"/>`;
  if (!floor) return [area("apart", 12)];
  const number = `  <text class="note" x="24" y="${y + 5}">${floor}</text>`;
  return [...(floor % 2 ? [area("floor", 0)] : []), ...(floor !== above?.floor ? [number] : [])];
}

/**
 * The name at the top of a column, and a line from there to its first arrow.
 * @param {Placed} part
 * @param {readonly Arrow[]} arrows
 */
function drawColumn(part, arrows) {
  const { name, x, y } = part;
  const first = Math.min(
    y - box.height / 2,
    ...arrows.filter(({ to }) => to === part).map(({ from }) => from.y),
  );
  const head = top - step / 2 - 8;
  return [
    `  <text class="column" transform="translate(${x + 3} ${head - 4}) rotate(-45)">${name}</text>`,
    `<path class="guide" d="M${x} ${head}V${first}"/>`,
  ].join("");
}

/**
 * The line that all arrows of a part leave by, and the one that all arrows to it come by.
 * @param {Placed} part
 * @param {readonly Arrow[]} arrows
 */
function drawLines(part, arrows) {
  const { x, y } = part;
  const last = Math.max(...arrows.filter(({ from }) => from === part).map(({ to }) => to.x));
  const first = Math.min(...arrows.filter(({ to }) => to === part).map(({ from }) => from.y));
  const out = `  <path class="line" d="M${x + box.width / 2} ${y}H${last}"/>`;
  const into = `  <path class="line" marker-end="url(#head)" d="M${x} ${first}V${y - box.height / 2 - 1}"/>`;
  return [...(Number.isFinite(last) ? [out] : []), ...(Number.isFinite(first) ? [into] : [])];
}

/** @param {Placed} part */
function drawPart({ name, floor, files, x, y }) {
  return [
    `  <text class="name" x="${x - box.width / 2 - 8}" y="${y + 5}">${name}</text>`,
    `  <rect class="part${floor ? "" : " browser"}" x="${x - box.width / 2}" y="${y - box.height / 2}" width="${box.width}" height="${box.height}" rx="5"/>`,
    `  <text class="number" x="${x}" y="${y + 4}">${files.length}</text>`,
  ];
}

/** @param {Arrow} arrow */
function drawNumber({ from, to, imports }) {
  const shade = imports >= 15 ? " many" : imports >= 5 ? " some" : "";
  return [
    `  <rect class="imports${shade}" x="${to.x - 12}" y="${from.y - 9}" width="24" height="18" rx="9"/>`,
    `<text class="number" x="${to.x}" y="${from.y + 4}">${imports}</text>`,
  ].join("");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [project = projectFolder] = process.argv.slice(2).filter((argument) => argument !== "--write");
  const file = path.resolve(project, picture);
  const drawn = await drawStructure(path.resolve(project));
  if (process.argv.includes("--write")) {
    fs.writeFileSync(file, drawn);
    console.log(`Written: ${picture}.`);
  } else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== drawn) {
    console.error(`${picture} is not what the imports are: \`${command}\` draws it anew.`);
    process.exitCode = 1;
  }
}
