// @ts-check
import fs from "node:fs";
import path from "node:path";

/**
 * One archive of the machine, as apt's deb822 format says it.
 * @typedef {{ uris: string, suites: string[], components: string, options: string[] }} Source
 */

/** The suite this machine runs, such as "bookworm". */
export function machineSuite() {
  const release = fs.readFileSync("/etc/os-release", "utf8");
  return /^(?:DEBIAN|UBUNTU|VERSION)_CODENAME="?([a-z]+)/m.exec(release)?.[1] ?? "stable";
}

/** True on Debian, Ubuntu and what is made of them. */
export function isDebian() {
  if (process.platform !== "linux" || !fs.existsSync("/etc/apt") || !fs.existsSync("/etc/os-release"))
    return false;
  return /^(?:ID|ID_LIKE)="?.*\b(?:debian|ubuntu)\b/m.test(fs.readFileSync("/etc/os-release", "utf8"));
}

/**
 * The text of a deb822 sources file for the machine's own suite, or for another suite of the same archive.
 * Archives of third parties are left out: they have other suites, and one that is down must not stop us.
 * @param {string} [suite]
 * @param {string} [aptFolder]
 */
export function sourcesFor(suite, aptFolder = "/etc/apt") {
  const own = machineSuite();
  const generic = ["stable", "testing", "unstable", "sid"];
  const stanzas = [];
  for (const source of readSources(aptFolder)) {
    const base = source.suites.find((name) => name === own || generic.includes(name));
    const suites = suite
      ? source.suites.filter((name) => name === base).map(() => suite)
      : source.suites.filter((name) => name.split("-")[0] === own || name === base);
    if (suites.length === 0 || !/\bmain\b/.test(source.components)) continue;
    stanzas.push(
      [
        "Types: deb",
        `URIs: ${source.uris}`,
        `Suites: ${suites.join(" ")}`,
        `Components: ${source.components}`,
      ]
        .concat(source.options)
        .join("\n"),
    );
  }
  return `${stanzas.join("\n\n")}\n`;
}

/**
 * @param {string} aptFolder
 * @returns {Source[]}
 */
function readSources(aptFolder) {
  const parts = path.join(aptFolder, "sources.list.d");
  const names = fs.existsSync(parts) ? fs.readdirSync(parts).sort() : [];
  const files = [path.join(aptFolder, "sources.list"), ...names.map((name) => path.join(parts, name))];
  return files.flatMap((file) => {
    if (!fs.existsSync(file)) return [];
    if (file.endsWith(".list")) return readOneLineFormat(fs.readFileSync(file, "utf8"));
    return file.endsWith(".sources") ? readDeb822(fs.readFileSync(file, "utf8")) : [];
  });
}

/**
 * `deb [signed-by=/a/key arch=amd64] uri suite component…`
 * @param {string} text
 * @returns {Source[]}
 */
export function readOneLineFormat(text) {
  return text.split("\n").flatMap((line) => {
    const found = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (!found) return [];
    const [, bracket = "", uris = "", suite = "", components = ""] = found;
    const signedBy = /signed-by=(\S+)/i.exec(bracket)?.[1];
    const trusted = /trusted=(\S+)/i.exec(bracket)?.[1];
    const options = [];
    if (signedBy) options.push(`Signed-By: ${signedBy.split(",").join(" ")}`);
    if (trusted) options.push(`Trusted: ${trusted}`);
    return [{ uris, suites: [suite], components: components.trim(), options }];
  });
}

/**
 * Stanzas of `Field: value`, apart by empty lines; a line that begins with a space continues the one above.
 * @param {string} text
 * @returns {Source[]}
 */
export function readDeb822(text) {
  const uncommented = text.replace(/^#.*\n?/gm, "");
  return uncommented.split(/\n\s*\n/).flatMap((stanza) => {
    /** @type {Map<string, string>} */
    const fields = new Map();
    for (const [, name = "", value = ""] of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value.trim());
    }
    const off = /^(?:no|false|0)$/i.test(fields.get("enabled") ?? "");
    const uris = fields.get("uris");
    if (off || !uris || !/\bdeb\b(?!-)/.test(fields.get("types") ?? "")) return [];
    const options = [];
    // A key may be written into the file itself: then it goes on over several lines, which are kept as they
    // are.
    if (fields.has("signed-by")) options.push(`Signed-By: ${fields.get("signed-by")}`);
    if (fields.has("trusted")) options.push(`Trusted: ${fields.get("trusted")}`);
    const suites = (fields.get("suites") ?? "").split(/\s+/).filter(Boolean);
    return [{ uris, suites, components: fields.get("components") ?? "", options }];
  });
}
