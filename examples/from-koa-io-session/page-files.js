// @ts-check
// The page, for which an application would have koa-static.
import { createReadStream } from "node:fs";

/** @type {Record<string, string>} */
const FILES = { "/": "index.html", "/page.js": "page.js" };

/** @type {import("koa").Middleware} */
export async function pageFiles(ctx, next) {
  const name = FILES[ctx.path];
  if (!name) return next();
  ctx.type = name;
  ctx.body = createReadStream(new URL(`public/${name}`, import.meta.url));
}
