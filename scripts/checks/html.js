// @ts-check

/**
 * What is linked to, and what can be linked to, in HTML (or SVG) whose attributes are in double quotes, as generated HTML is.
 * @param {string} html
 * @returns {{ links: string[], ids: string[] }}
 */
export function linksAndIds(html) {
  /** @type {string[]} */
  const links = [];
  /** @type {string[]} */
  const ids = [];
  for (const [tag] of html.matchAll(/<[a-z][^<>]*>/gi)) {
    for (const [, name, value = ""] of tag.matchAll(/\s(href|src|id|name)="([^"]*)"/gi))
      (name === "id" || name === "name" ? ids : links).push(unescaped(value));
  }
  return { links, ids };
}

/** @param {string} value */
function unescaped(value) {
  return value
    .replace(/&#(?:x([\da-f]+)|(\d+));/gi, (_, hex, decimal) =>
      String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
    )
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
