import { readFileSync } from "node:fs";

/**
 * The text of a file of this package. Throws where it cannot be read. Only the sources read it: the build
 * puts another module in the place of this one, which has these texts in it. So bundles, in which no file
 * lies where it did, have them too.
 */
export function packagedText(file: PackagedFile): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
}

/** Which: the build finds all of them by this type. */
export type PackagedFile = "sql/session.sql" | "sql/adopt.sql" | "dist/client/socket.io-token-session.js";
