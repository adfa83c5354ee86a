// @ts-check
// docs/structure.svg: which room of src/ and client/ imports which, and how often. `--write` draws it;
// without, it must be as the imports are.
//
// Rooms stand on a diagonal, in the order of structure-rules.js. An arrow leaves its room to the right, turns
// down above the room that it imports, and has its number where it turns. So no arrow can run up, no line is
// laid through a room, and nothing is left to a layout.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder } from "../paths.js";
import { readImports } from "./check-structure.js";
import { floors } from "./structure-rules.js";

/** @typedef {import("dependency-cruiser").IModule} Module */
/**
 * `has`: how the paths of its files begin.
 * @typedef {{ name: string, has: readonly string[], floor?: number }} Room
 */
/** @typedef {{ from: number, to: number, imports: number }} Arrow between the rooms with these numbers */

const picture = path.join("docs", "structure.svg");
const command = "npm run draw:structure";

/**
 * From the top down. Files of one floor that are in no folder share a room. `index.ts` has none: it repeats
 * what all others export.
 * @type {readonly Room[]}
 */
const plan = floors.slice(1).flatMap((places, index, all) => {
  const floor = index + 1;
  const files = places.filter((place) => !place.endsWith("/"));
  const folders = places.filter((place) => place.endsWith("/"));
  const shared = {
    name: files.map((file) => file.replace(/\.ts$/, "")).join(", "),
    has: inSrc(files),
    floor,
  };
  // The browser's half is on no floor: it imports the words at the bottom, and nothing imports it.
  return [
    ...(floor === all.length ? [{ name: "client/", has: ["client/"] }] : []),
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
const top = 122;
const box = { width: 30, height: 26 };

const legend = [
  "Along a row: what a room imports. Down a column: who imports it. On an arrow: how many imports, types included.",
  "In a room: how many files it has. On the left: its floor.",
];

const style = `
    .paper { fill: #ffffff; stroke: #d0d7de }
    .floor { fill: #f6f8fa }
    .room { fill: #ddf4ff; stroke: #0969da; stroke-width: 2 } .browser { fill: #dafbe1; stroke: #1a7f37 }
    .line { fill: none; stroke: #8c959f; stroke-width: 1.25 }
    .head { fill: #656d76 }
    .imports { fill: #ffffff; stroke: #8c959f } .some { fill: #eaeef2 } .many { fill: #c8d1da }
    text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; fill: #1f2328 }
    .title { font-size: 17px; font-weight: 600 }
    .name { font-size: 14px; font-weight: 600; text-anchor: end }
    .number { font-size: 12px; text-anchor: middle }
    .note { font-size: 14px; fill: #59636e }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d }
      .floor { fill: #151b23 }
      .room { fill: #0c2d6b; stroke: #4493f8 } .browser { fill: #033a16; stroke: #3fb950 }
      .line { stroke: #656c76 }
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
  const rooms = plan.filter(({ has }) => modules.some(({ source }) => isIn(has, source)));
  const files = rooms.map(({ has }) => modules.filter(({ source }) => isIn(has, source)));
  return draw(
    rooms,
    files.map(({ length }) => length),
    arrowsBetween(rooms, files),
  );
}

/** @param {readonly string[]} has @param {string} file */
function isIn(has, file) {
  return has.some((place) => file.startsWith(place));
}

/**
 * @param {readonly Room[]} rooms
 * @param {readonly (readonly Module[])[]} files of each room
 * @returns {Arrow[]}
 */
function arrowsBetween(rooms, files) {
  return rooms.flatMap((room, from) =>
    rooms.flatMap(({ has }, to) => {
      if (from === to) return [];
      const all = (files[from] ?? []).flatMap(({ dependencies }) => dependencies);
      const imports = all.filter(({ resolved }) => isIn(has, resolved)).length;
      if (imports > 0 && to < from) throw new Error(`${room.name} imports what stands above it`);
      return imports > 0 ? [{ from, to, imports }] : [];
    }),
  );
}

const x = (/** @type {number} */ room) => left + room * step;
const y = (/** @type {number} */ room) => top + room * step;

/**
 * @param {readonly Room[]} rooms
 * @param {readonly number[]} files how many are in each
 * @param {readonly Arrow[]} arrows
 */
function draw(rooms, files, arrows) {
  const width = x(rooms.length - 1) + 40;
  const height = y(rooms.length - 1) + 40;
  const told = rooms.map(({ name }, room) => {
    const imported = arrows.filter(({ from }) => from === room);
    return `${name}: ${imported.map(({ to, imports }) => `${rooms[to]?.name} ${imports}`).join("; ") || "nothing"}.`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description">`,
    `  <title id="title">Which room imports which, and how often</title>`,
    `  <desc id="description">`,
    ...told.map((line) => `    ${line}`),
    `  </desc>`,
    `  <style>${style}</style>`,
    `  <defs>`,
    `    <marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0 10 5 0 10z"/></marker>`,
    `  </defs>`,
    `  <rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="10"/>`,
    ...rooms.flatMap((_, room) => drawFloor(rooms, room, width)),
    `  <text class="title" x="24" y="36">Which room imports which, and how often</text>`,
    ...legend.map((line, index) => `  <text class="note" x="24" y="${60 + index * 20}">${line}</text>`),
    ...rooms.flatMap((_, room) => drawLines(room, arrows)),
    ...rooms.flatMap((room, index) => drawRoom(room, index, files[index] ?? 0)),
    ...arrows.map(drawNumber),
    `</svg>`,
    "",
  ].join("\n");
}

/**
 * Rooms of one floor have one ground, and its number: that of the list in docs/architecture.md.
 * @param {readonly Room[]} rooms
 * @param {number} room
 * @param {number} width
 */
function drawFloor(rooms, room, width) {
  const floor = rooms[room]?.floor;
  const ground = `  <rect class="floor" x="1" y="${y(room) - step / 2}" width="${width - 2}" height="${step}"/>`;
  const number = `  <text class="note" x="24" y="${y(room) + 5}">${floor}</text>`;
  const first = floor !== rooms[room - 1]?.floor;
  return [...(floor && floor % 2 ? [ground] : []), ...(floor && first ? [number] : [])];
}

/**
 * The line that all arrows of a room leave by, and the one that all arrows to it come by.
 * @param {number} room
 * @param {readonly Arrow[]} arrows
 */
function drawLines(room, arrows) {
  const last = Math.max(...arrows.filter(({ from }) => from === room).map(({ to }) => to));
  const first = Math.min(...arrows.filter(({ to }) => to === room).map(({ from }) => from));
  const out = `  <path class="line" d="M${x(room) + box.width / 2} ${y(room)}H${x(last)}"/>`;
  const into = `  <path class="line" marker-end="url(#head)" d="M${x(room)} ${y(first)}V${y(room) - box.height / 2 - 1}"/>`;
  return [...(Number.isFinite(last) ? [out] : []), ...(Number.isFinite(first) ? [into] : [])];
}

/**
 * @param {Room} room
 * @param {number} index
 * @param {number} files
 */
function drawRoom({ name, floor }, index, files) {
  const [middle, line] = [x(index), y(index)];
  return [
    `  <text class="name" x="${middle - box.width / 2 - 8}" y="${line + 5}">${name}</text>`,
    `  <rect class="room${floor ? "" : " browser"}" x="${middle - box.width / 2}" y="${line - box.height / 2}" width="${box.width}" height="${box.height}" rx="5"/>`,
    `  <text class="number" x="${middle}" y="${line + 4}">${files}</text>`,
  ];
}

/** @param {Arrow} arrow */
function drawNumber({ from, to, imports }) {
  const shade = imports >= 15 ? " many" : imports >= 5 ? " some" : "";
  return [
    `  <rect class="imports${shade}" x="${x(to) - 12}" y="${y(from) - 9}" width="24" height="18" rx="9"/>`,
    `<text class="number" x="${x(to)}" y="${y(from) + 4}">${imports}</text>`,
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
