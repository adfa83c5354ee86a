// @ts-check
// Looks at every link of the project's Markdown files and of the API reference that stays in the project: the
// file must be there, and in it the heading. What is elsewhere on the web is not asked for.
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder, referenceFolder } from "../paths.js";
import { linksAndIds } from "./html.js";
import { markdownFiles, readMarkdown } from "./markdown.js";

/** @typedef {{ file: string, line?: number, target: string }} Link `file`: from the project's folder */

/**
 * @param {string} project the folder that has the Markdown files
 * @returns {{ links: number, broken: string[] }}
 */
export function checkLinks(project) {
  const reference = path.join(project, referenceFolder);
  if (!fs.existsSync(reference)) throw new Error(`${referenceFolder} is missing: \`npm run docs\` makes it`);
  const links = [...markdownFiles(project), ...pages(project)].flatMap((file) => linksOf(project, file));
  const inside = links.filter(({ target }) => !/^(?:[a-z][a-z\d+.-]*:|\/\/)/i.test(target));
  /** @type {Map<string, Set<string>>} */
  const known = new Map();
  const broken = inside.flatMap((link) => {
    const why = fault(project, link, known);
    return why ? `${link.file}${link.line ? `:${link.line}` : ""}: ${decoded(link.target)}: ${why}` : [];
  });
  return { links: inside.length, broken: [...new Set(broken)] };
}

/** @param {string} project */
function pages(project) {
  const names = fs.readdirSync(path.join(project, referenceFolder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".html")).map((name) => path.join(referenceFolder, name));
}

/**
 * @param {string} project
 * @param {string} file
 * @returns {Link[]}
 */
function linksOf(project, file) {
  const text = fs.readFileSync(path.join(project, file), "utf8");
  if (file.endsWith(".md")) return readMarkdown(text).links.map((link) => ({ file, ...link }));
  return linksAndIds(text).links.map((target) => ({ file, target }));
}

/**
 * @param {string} project
 * @param {Link} link
 * @param {Map<string, Set<string>>} known the anchors of files that have been looked at
 * @returns {string | undefined} what is wrong with it
 */
function fault(project, { file, target }, known) {
  const [address = "", anchor = ""] = target.split("#").map(decoded);
  const name = address.replace(/\?.*$/, "");
  const place = name ? path.resolve(project, path.dirname(file), name) : path.resolve(project, file);
  if (name.startsWith("/") || path.relative(project, place).startsWith(".."))
    return "leads out of the project";
  if (!fs.existsSync(place)) return "no such file";
  if (file.endsWith(".html") && fs.statSync(place).isDirectory()) return "a folder, not a page";
  // An empty one, and "top", mean the beginning of a page.
  if (anchor === "" || anchor === "top") return undefined;
  const anchors = known.get(place) ?? anchorsOf(place);
  known.set(place, anchors);
  return anchors.has(anchor) ? undefined : "no such heading there";
}

/**
 * Without percent signs; as it is, where they mean nothing.
 * @param {string} address
 */
function decoded(address) {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

/** @param {string} place */
function anchorsOf(place) {
  if (fs.statSync(place).isDirectory()) return new Set();
  const text = fs.readFileSync(place, "utf8");
  return place.endsWith(".md") ? readMarkdown(text).anchors : new Set(linksAndIds(text).ids);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { links, broken } = checkLinks(path.resolve(process.argv[2] ?? projectFolder));
  for (const line of broken) console.error(line);
  console.log(`${links} links, ${broken.length} broken`);
  if (broken.length > 0 || links === 0) process.exitCode = 1;
}
