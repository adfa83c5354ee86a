// @ts-check
// Serves the page. A fixed list of files: no path that a client sends ever reaches the file system.
import { createReadStream } from "node:fs";
import { fileURLToPath } from "node:url";

const HTML = "text/html; charset=utf-8";
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const IMAGE = "image/svg+xml";

/** @param {string} name */
const fromPublic = (name) => new URL(`./public/${name}`, import.meta.url);

/** @type {ReadonlyMap<string, { readonly url: URL, readonly type: string }>} */
const FILES = new Map([
  ["/", { url: fromPublic("index.html"), type: HTML }],
  ["/style.css", { url: fromPublic("style.css"), type: CSS }],
  ["/cards.css", { url: fromPublic("cards.css"), type: CSS }],
  ["/frame.css", { url: fromPublic("frame.css"), type: CSS }],
  ["/app.js", { url: fromPublic("app.js"), type: SCRIPT }],
  ["/view.js", { url: fromPublic("view.js"), type: SCRIPT }],
  ["/sentences.js", { url: fromPublic("sentences.js"), type: SCRIPT }],
  ["/devices.js", { url: fromPublic("devices.js"), type: SCRIPT }],
  ["/devices.css", { url: fromPublic("devices.css"), type: CSS }],
  ["/shop.js", { url: fromPublic("shop.js"), type: SCRIPT }],
  ["/icon.svg", { url: fromPublic("icon.svg"), type: IMAGE }],
]);

const HEADERS = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
export function serveFile(request, response) {
  const { method = "", url = "" } = request;
  const file = FILES.get(url.split("?", 1)[0] ?? "");
  if (!file) return refuse(response, 404, "Not found");
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return refuse(response, 405, "Method not allowed");
  }
  response.writeHead(200, { ...HEADERS, "Content-Type": file.type });
  if (method === "HEAD") return void response.end();
  createReadStream(fileURLToPath(file.url))
    .on("error", () => response.destroy())
    .pipe(response);
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} status
 * @param {string} text
 */
function refuse(response, status, text) {
  response.writeHead(status, { ...HEADERS, "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
