// @ts-check
/// <reference path="./markdown-it.d.ts" />
// The Markdown files of the project: where they are, what they link to, and what in them can be linked to.
import fs from "node:fs";
import path from "node:path";
import GithubSlugger from "github-slugger";
import MarkdownIt from "markdown-it";
import { referenceFolder } from "../paths.js";
import { linksAndIds } from "./html.js";

/** @typedef {import("markdown-it").Token} Token */
/** @typedef {{ target: string, line: number }} Link */

const parser = new MarkdownIt({ html: true });
/** What is made, not written: by npm, by the build, and by the tools of the apps for phones. */
const made = new Set(["node_modules", "dist", "coverage", "android", "ios", "platforms", "plugins"]);

/**
 * All Markdown files that somebody wrote; not those of dependencies, and nothing that has been generated.
 * @param {string} project
 * @param {string} [folder] from the project's
 * @returns {string[]} paths from the project's folder
 */
export function markdownFiles(project, folder = "") {
  return fs.readdirSync(path.join(project, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (!entry.isDirectory()) return name.endsWith(".md") ? name : [];
    if (entry.name.startsWith(".") || made.has(entry.name) || name === referenceFolder) return [];
    return markdownFiles(project, name);
  });
}

/**
 * @param {string} text
 * @returns {{ title: string | undefined, links: Link[], anchors: Set<string> }} the first heading; images
 * count as links
 */
export function readMarkdown(text) {
  const blocks = parser.parse(text, {});
  /** @type {string[]} */
  const headings = [];
  /** @type {Link[]} */
  const links = [];
  const anchors = new Set();
  let line = 1;
  for (const [index, block] of blocks.entries()) {
    if (blocks[index - 1]?.type === "heading_open") headings.push(plainText(block));
    // Cells of a table do not tell; their row does.
    if (block.map) line = block.map[0] + 1;
    for (const token of [block, ...(block.children ?? [])]) {
      const target = token.attrGet("href") ?? token.attrGet("src");
      if (target !== null) links.push({ target, line });
      if (!token.type.startsWith("html_")) continue;
      const html = linksAndIds(token.content);
      for (const id of html.ids) anchors.add(id);
      links.push(...html.links.map((found) => ({ target: found, line })));
    }
  }
  const slugger = new GithubSlugger();
  for (const heading of headings) anchors.add(slugger.slug(heading));
  return { title: headings[0], links, anchors };
}

/** @param {Token} block */
function plainText(block) {
  const parts = (block.children ?? []).filter(({ type }) => type === "text" || type === "code_inline");
  return parts.map(({ content }) => content).join("");
}
