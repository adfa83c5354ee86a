// @ts-check
// npm run example -- <name> [--redis]: an example's server with all that it needs, from a fresh clone on. It
// is examples/<name>/server.js or server.cjs, and gets DATABASE_URL, PORT and, after --redis, REDIS_URL in
// its environment.
import fs from "node:fs";
import path from "node:path";
import { runApplication } from "./application.js";
import { projectFolder } from "./paths.js";

/** Where the servers may run without preparation; the apps for phones have a package.json of their own. */
const examples = fs
  .readdirSync(path.join(projectFolder, "examples"))
  .filter((name) => name.startsWith("from-"))
  .sort();

const [name = "", ...options] = process.argv.slice(2);
const program = ["server.js", "server.cjs"]
  .map((file) => path.join("examples", name, file))
  .find((file) => examples.includes(name) && fs.existsSync(path.join(projectFolder, file)));
if (!program || options.some((option) => option !== "--redis")) {
  const usage = `npm run example -- <name> [--redis], where <name> is one of: ${examples.join(", ")}`;
  const isAsked = process.argv.length === 2;
  if (isAsked) console.log(usage);
  else console.error(usage);
  process.exit(isAsked ? 0 : 1);
}

await runApplication({
  title: name,
  program,
  // The names of accounts have at most 32 characters.
  name: `example_${name.replaceAll(/\W/g, "_")}`.slice(0, 32),
  passwordFile: `${name}-password`,
  redis: options.includes("--redis"),
});
