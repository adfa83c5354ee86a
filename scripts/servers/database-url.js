// @ts-check

/**
 * DATABASE_URL, checked; undefined when it is not set. No message shows its password.
 * @param {{ say: import("../paths.js").Say, environment?: NodeJS.ProcessEnv }} options
 * @returns {string | undefined}
 */
export function databaseUrlFromEnvironment({ say, environment = process.env }) {
  const given = environment["DATABASE_URL"];
  if (!given) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url?.protocol !== "mysql:" || !url.hostname) {
    throw new Error("DATABASE_URL has to look like mysql://user:password@host:port/ (it is not shown here).");
  }
  say(`Using the database server of DATABASE_URL (${url.host}).`);
  return url.href;
}

/**
 * The same server and account, another database.
 * @param {string} url
 * @param {string} database
 */
export function withDatabase(url, database) {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}
