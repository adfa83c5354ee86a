// @ts-check
// Before the first test, however Jest was started: what all tests may need is there, or can be had.
import { appendFileSync } from "node:fs";
import { ensureBuilt } from "../build/fresh-build.js";
import { findBrowser } from "../servers/browser.js";
import { offerBrowser } from "../servers/browser-server.js";
import { checkAnswers, redisUrlFromEnvironment, startRedis } from "../servers/redis.js";
import { findRedis } from "../servers/redis-server.js";
import { removeAbandoned, testFolder } from "./folders.js";
import { offer } from "./offers.js";
import { say } from "./say.js";

/** @typedef {import("./offers.js").Offer} Offer */

export default async function setup() {
  await removeAbandoned({ say });
  await ensureBuilt({ say });
  process.env["TEST_OFFERS"] = await offer({ redis, browser });
}

/** @returns {Promise<Offer>} */
async function redis() {
  const given = redisUrlFromEnvironment({ say });
  if (given) {
    await checkAnswers(given);
    return { url: given };
  }
  const server = await findRedis({ say });
  if ("missing" in server) return notRun("Redis tests", server);
  return { url: (await startRedis({ server, folder: testFolder("redis"), say })).url };
}

/** @returns {Promise<Offer>} */
async function browser() {
  const found = await findBrowser({ say });
  if ("missing" in found) return notRun("browser tests", found);
  return { url: (await offerBrowser(found)).url };
}

/**
 * For the list at the end of `npm test`.
 * @param {string} what
 * @param {{ missing: string, command: string }} found
 */
function notRun(what, { missing, command }) {
  const file = process.env["TEST_NOT_RUN_FILE"];
  if (file) appendFileSync(file, `${JSON.stringify({ what, why: missing, command })}\n`);
  return { missing, command };
}
