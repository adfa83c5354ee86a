// @ts-check
import { Parser } from "htmlparser2";

/**
 * What is linked to, and what can be linked to, in HTML or SVG; a part of a page will do.
 * @param {string} html
 * @returns {{ links: string[], ids: string[] }}
 */
export function linksAndIds(html) {
  /** @type {string[]} */
  const links = [];
  /** @type {string[]} */
  const ids = [];
  const parser = new Parser({
    onattribute(name, value) {
      if (name === "href" || name === "src") links.push(value);
      if (name === "id" || name === "name") ids.push(value);
    },
  });
  parser.end(html);
  return { links, ids };
}
